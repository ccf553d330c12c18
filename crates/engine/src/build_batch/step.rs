//! The match: every state, every input.

use base::{Machine, Step, Timestamp};
use serde::{Deserialize, Serialize};

use super::{BatchEffect, BatchInput, BatchState, Stage, on};
use crate::build::BuildStatus;

/// The machine of a batch; its row's id is `project:uuid`, its parent the project.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuildBatch;

/// Why an input is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum BatchRefusal {
    #[error("the batch has been started already")]
    AlreadyStarted,
    /// StopBuildBatch on a batch that is over.
    #[error("the batch is already complete")]
    AlreadyCompleted,
    /// RetryBuildBatch on a batch that still runs, or that has nothing to retry.
    #[error("only a batch that has not succeeded can be retried, and not while it is in progress")]
    NotRetryable,
}

impl Machine for BuildBatch {
    const KIND: &'static str = "build_batch";
    type State = BatchState;
    type Input = BatchInput;
    type Effect = BatchEffect;
    type Refusal = BatchRefusal;

    fn step(state: &BatchState, input: BatchInput, now: Timestamp) -> Result<Step<BuildBatch>, BatchRefusal> {
        use BatchInput as I;
        let ignored = || Ok(Step::to(state.clone()));
        let current = |kind: &str, given: &str| state.key(kind) == given;
        match (&state.stage, input) {
            (Stage::Submitted, I::Start) => Ok(on::start(state, now)),
            (_, I::Start) => Err(BatchRefusal::AlreadyStarted),

            (Stage::ReadingSpec, I::SpecRead { key, text }) if current("spec", &key) => {
                Ok(on::spec_read(state, text, now))
            }
            (_, I::SpecRead { .. }) => ignored(),
            (Stage::ReadingSpec, I::SpecFailed { key, code, message }) if current("spec", &key) => {
                Ok(on::spec_failed(state, code, message, now))
            }
            (_, I::SpecFailed { .. }) => ignored(),

            (Stage::InProgress | Stage::Stopping(_), I::BuildEnded { key, end }) => {
                Ok(on::build_ended(state, &key, end, now))
            }
            (_, I::BuildEnded { .. }) => ignored(),
            (Stage::InProgress | Stage::Stopping(_), I::BuildNotStarted { key, message }) => {
                Ok(on::build_not_started(state, &key, &message, now))
            }
            (_, I::BuildNotStarted { .. }) => ignored(),

            (Stage::Combining, I::Combined { key, artifact }) if current("combine", &key) => {
                Ok(on::combined(state, artifact, now))
            }
            (_, I::Combined { .. }) => ignored(),
            (Stage::Combining, I::CombineFailed { key, code, message }) if current("combine", &key) => {
                Ok(on::combine_failed(state, code, message, now))
            }
            (_, I::CombineFailed { .. }) => ignored(),

            (Stage::InProgress, I::Stop {}) => Ok(on::stop(state, BuildStatus::Stopped, now)),
            (Stage::Stopping(_), I::Stop {}) => ignored(),
            (Stage::Submitted | Stage::ReadingSpec | Stage::Combining, I::Stop {}) => {
                Ok(on::end(state, BuildStatus::Stopped, now))
            }
            (Stage::Completed { .. }, I::Stop {}) => Err(BatchRefusal::AlreadyCompleted),

            (Stage::Completed { status, .. }, I::Retry { all }) if *status != BuildStatus::Succeeded => {
                Ok(on::retry(state, all, now))
            }
            (_, I::Retry { .. }) => Err(BatchRefusal::NotRetryable),

            (_, I::Resumed { down_seconds }) => Ok(on::resumed(state, down_seconds, now)),

            (Stage::InProgress, I::DeadlinePassed {}) => Ok(on::stop(state, BuildStatus::TimedOut, now)),
            (Stage::Submitted | Stage::ReadingSpec | Stage::Combining, I::DeadlinePassed {}) => {
                Ok(on::end(state, BuildStatus::TimedOut, now))
            }
            (Stage::Stopping(status), I::DeadlinePassed {}) => Ok(on::gave_up(state, *status, now)),
            (Stage::Completed { .. }, I::DeadlinePassed {}) => ignored(),
        }
    }

    fn status(state: &BatchState) -> &'static str {
        state.status_name()
    }
}
