//! The match: every state, every input.

use base::{JobOutcome, Machine, Step, Timestamp};
use serde::{Deserialize, Serialize};

use super::turn::key;
use super::{BuildEffect, BuildInput, BuildState, Context, CutReason, Stage, on};

/// The build machine.
#[derive(Clone, Copy, Debug)]
pub struct Build;

/// Why an input is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum BuildRefusal {
    #[error("the build has been started already")]
    AlreadyStarted,
    /// StopBuild on a build that is over.
    #[error("the build is already complete")]
    AlreadyCompleted,
}

impl Machine for Build {
    const KIND: &'static str = "build";
    type State = BuildState;
    type Input = BuildInput;
    type Effect = BuildEffect;
    type Refusal = BuildRefusal;

    fn step(state: &BuildState, input: BuildInput, now: Timestamp) -> Result<Step<Build>, BuildRefusal> {
        use BuildInput as I;
        let ignored = || Ok(Step::to(state.clone()));
        let current = |kind: &str, given: &str| key(state, kind) == given;
        match (&state.stage, input) {
            (Stage::Submitted, I::Start) => Ok(on::start(state, now)),
            (_, I::Start) => Err(BuildRefusal::AlreadyStarted),

            (Stage::AwaitingSlot, I::Admitted {}) => Ok(on::admitted(state, now)),
            (_, I::Admitted {}) => ignored(),

            (Stage::QueuedToPrepare, I::Began { at, .. }) => Ok(on::began(state, Stage::Preparing, at, now)),
            (Stage::QueuedToRun(plan), I::Began { at, .. }) => {
                Ok(on::began(state, Stage::Running(plan.clone()), at, now))
            }
            (
                Stage::Submitted
                | Stage::AwaitingSlot
                | Stage::Preparing
                | Stage::Running(_)
                | Stage::Stopping(_)
                | Stage::Cut { .. }
                | Stage::Uploading(_)
                | Stage::Completed { .. },
                I::Began { .. },
            ) => ignored(),

            (Stage::QueuedToPrepare | Stage::Preparing, I::Prepared { key, sourced }) if current("prepare", &key) => {
                Ok(on::prepared(state, sourced, now))
            }
            (_, I::Prepared { .. }) => ignored(),
            (Stage::QueuedToPrepare | Stage::Preparing, I::PrepareFailed { key, failure })
                if current("prepare", &key) =>
            {
                Ok(on::prepare_failed(state, failure, now))
            }
            (_, I::PrepareFailed { .. }) => ignored(),

            (Stage::QueuedToRun(_) | Stage::Running(_), I::SecretsFailed { key, code, message })
                if current("run", &key) =>
            {
                Ok(on::secrets_failed(state, Context::new(code, message), now))
            }
            (Stage::Stopping(status), I::SecretsFailed { key, message, .. }) if current("run", &key) => {
                Ok(on::job_stopped(state, *status, JobOutcome::NotStarted { reason: message }, now))
            }
            (Stage::Cut { plan, why }, I::SecretsFailed { key, message, .. }) if current("run", &key) => {
                Ok(on::job_cut(state, plan, *why, JobOutcome::NotStarted { reason: message }, now))
            }
            (_, I::SecretsFailed { .. }) => ignored(),

            (Stage::QueuedToRun(plan) | Stage::Running(plan), I::StepsReported { key, steps })
                if current("run", &key) =>
            {
                Ok(on::steps_reported(state, plan, &steps, now))
            }
            (Stage::Stopping(_) | Stage::Cut { .. }, I::StepsReported { key, steps }) if current("run", &key) => {
                Ok(on::steps_while_stopping(state, &steps, now))
            }
            (_, I::StepsReported { .. }) => ignored(),
            (Stage::QueuedToRun(plan) | Stage::Running(plan), I::JobEnded { key, outcome }) if current("run", &key) => {
                Ok(on::job_ended(state, plan, outcome, now))
            }
            (Stage::Stopping(status), I::JobEnded { key, outcome }) if current("run", &key) => {
                Ok(on::job_stopped(state, *status, outcome, now))
            }
            (Stage::Cut { plan, why }, I::JobEnded { key, outcome }) if current("run", &key) => {
                Ok(on::job_cut(state, plan, *why, outcome, now))
            }
            (_, I::JobEnded { .. }) => ignored(),

            (Stage::Uploading(status), I::Uploaded { key, artifacts }) if current("upload", &key) => {
                Ok(on::uploaded(state, *status, artifacts, now))
            }
            (_, I::Uploaded { .. }) => ignored(),
            (Stage::Uploading(_), I::Reported { key, reports }) if current("upload", &key) => {
                Ok(on::reported(state, reports, now))
            }
            (_, I::Reported { .. }) => ignored(),
            (Stage::Uploading(status), I::UploadFailed { key, code, message }) if current("upload", &key) => {
                Ok(on::upload_failed(state, *status, code, message, now))
            }
            (_, I::UploadFailed { .. }) => ignored(),

            (Stage::Completed { .. }, I::Stop {}) => Err(BuildRefusal::AlreadyCompleted),
            (Stage::Stopping(_), I::Stop {}) => ignored(),
            (Stage::Cut { .. }, I::Stop {}) => Ok(on::stop_cut(state, now)),
            (Stage::Running(_), I::Stop {}) => Ok(on::stop_job(state, now)),
            // A planned job may already be starting: only its executor knows, so it is asked to end it.
            (Stage::QueuedToRun(_), I::Stop {}) => Ok(on::stop_job(state, now)),
            (
                Stage::Submitted
                | Stage::AwaitingSlot
                | Stage::QueuedToPrepare
                | Stage::Preparing
                | Stage::Uploading(_),
                I::Stop {},
            ) => Ok(on::stop(state, now)),

            (Stage::Running(plan), I::DiskFull {}) => Ok(on::cut(state, plan, CutReason::DiskFull, now)),
            (Stage::Preparing, I::DiskFull {}) => Ok(on::disk_full_while_preparing(state, now)),
            (Stage::Uploading(status), I::DiskFull {}) => Ok(on::disk_full_while_uploading(state, *status, now)),
            (
                Stage::Submitted
                | Stage::AwaitingSlot
                | Stage::QueuedToPrepare
                | Stage::QueuedToRun(_)
                | Stage::Stopping(_)
                | Stage::Cut { .. }
                | Stage::Completed { .. },
                I::DiskFull {},
            ) => ignored(),

            (_, I::Resumed { down_seconds }) => Ok(on::resumed(state, down_seconds, now)),

            // The job may be starting right now.
            (Stage::QueuedToRun(plan), I::QueueTimedOut {}) => Ok(on::cut(state, plan, CutReason::OutOfTime, now)),
            (Stage::AwaitingSlot | Stage::QueuedToPrepare, I::QueueTimedOut {}) => Ok(on::queue_timed_out(state, now)),
            (_, I::QueueTimedOut {}) => ignored(),

            // The job's own limit did not end it, or nobody was there to hear of its end.
            (Stage::Running(plan), I::DeadlinePassed {}) => Ok(on::cut(state, plan, CutReason::OutOfTime, now)),
            (Stage::Preparing | Stage::Uploading(_), I::DeadlinePassed {}) => Ok(on::deadline(state, now)),
            (Stage::Stopping(_) | Stage::Cut { .. }, I::DeadlinePassed {}) => Ok(on::gave_up(state, now)),
            (
                Stage::Submitted
                | Stage::AwaitingSlot
                | Stage::QueuedToPrepare
                | Stage::QueuedToRun(_)
                | Stage::Completed { .. },
                I::DeadlinePassed {},
            ) => ignored(),
        }
    }

    fn status(state: &BuildState) -> &'static str {
        state.status_name()
    }
}
