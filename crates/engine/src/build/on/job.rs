//! What the job's executor reports.

use std::collections::BTreeMap;

use base::{JobOutcome, JobTimeout, Step, StepOutcome, StepRecord, Timestamp};

use super::prepared::environment_context;
use super::start::leave_queue;
use crate::build::turn::Turn;
use crate::build::{
    ArtifactPlan, Build, BuildEffect, BuildState, BuildStatus, Context, Phase, PhaseEnd, Plan, Stage, container_line,
};

pub(in crate::build) fn steps_reported(
    state: &BuildState,
    plan: &Plan,
    steps: &[StepRecord],
    now: Timestamp,
) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    turn.state.stage = Stage::Running(plan.clone());
    record(&mut turn, steps);
    turn.into_step()
}

pub(in crate::build) fn steps_while_stopping(state: &BuildState, steps: &[StepRecord], now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    record(&mut turn, steps);
    turn.into_step()
}

pub(in crate::build) fn job_ended(state: &BuildState, plan: &Plan, outcome: JobOutcome, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    match outcome {
        JobOutcome::Finished { steps, exported } => {
            record(&mut turn, &steps);
            finished(turn, plan, exported)
        }
        JobOutcome::TimedOut(JobTimeout { steps, .. }) => {
            record(&mut turn, &steps);
            end(turn, BuildStatus::TimedOut, Context::new("BUILD_TIMED_OUT", "Build has timed out. "))
        }
        JobOutcome::Cancelled { steps } => {
            record(&mut turn, &steps);
            end(turn, BuildStatus::Stopped, Context::new("BUILD_STOPPED", "The build was stopped."))
        }
        JobOutcome::OutOfMemory { steps } => {
            record(&mut turn, &steps);
            let why = "Build container found dead before completing the build. Build container died because it was \
                       out of memory, or the Docker image is not supported.";
            end(turn, BuildStatus::Failed, Context::new("CLIENT_ERROR", why))
        }
        JobOutcome::Lost { steps, reason } => {
            record(&mut turn, &steps);
            let why = format!("The build's end is not known and it was not run again: {reason}");
            end(turn, BuildStatus::Fault, Context::new("INTERNAL_SERVICE_ERROR", why))
        }
        JobOutcome::NotStarted { reason } => {
            leave_queue(&mut turn, now);
            end(turn, BuildStatus::Failed, environment_context(&reason))
        }
    }
}

/// The job was told to end: whatever it says, `status` is why the build ends, unless it had finished before.
pub(in crate::build) fn job_stopped(
    state: &BuildState,
    status: BuildStatus,
    outcome: JobOutcome,
    now: Timestamp,
) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    let (JobOutcome::Finished { steps, .. }
    | JobOutcome::TimedOut(JobTimeout { steps, .. })
    | JobOutcome::Cancelled { steps }
    | JobOutcome::OutOfMemory { steps }
    | JobOutcome::Lost { steps, .. }) = &outcome
    else {
        return end(turn, status, stop_context(status));
    };
    record(&mut turn, steps);
    end(turn, status, stop_context(status))
}

pub(super) fn stop_context(status: BuildStatus) -> Context {
    match status {
        BuildStatus::TimedOut => Context::new("BUILD_TIMED_OUT", "Build has timed out. "),
        BuildStatus::Stopped | BuildStatus::Succeeded | BuildStatus::Failed | BuildStatus::Fault => {
            Context::new("BUILD_STOPPED", "The build was stopped.")
        }
    }
}

/// Ends a build whose job is over before its time: the open phase takes the blame.
pub(super) fn end(mut turn: Turn, status: BuildStatus, context: Context) -> Step<Build> {
    let now = turn.now;
    leave_queue(&mut turn, now);
    let open = turn.state.phases.last().is_some_and(|r| r.end == PhaseEnd::Open);
    let told = turn.state.first_failure().is_some();
    if !open && !told {
        // Between two steps: the next one is where it ended.
        let next = Phase::STEPS.into_iter().find(|phase| !turn.has(*phase)).unwrap_or(Phase::Finalizing);
        turn.open(next, now);
    }
    let lines = vec![container_line(
        now,
        &format!("Phase context status code: {} Message: {}", context.status_code, context.message),
    )];
    turn.close(now, status, Some(context));
    turn.complete(status, lines)
}

fn finished(mut turn: Turn, plan: &Plan, exported: BTreeMap<String, String>) -> Step<Build> {
    let now = turn.now;
    leave_queue(&mut turn, now);
    let status = match (turn.state.first_failure().is_some(), all_steps_ended(&turn)) {
        (true, _) => BuildStatus::Failed,
        (false, true) => BuildStatus::Succeeded,
        // Never a success that nobody has seen.
        (false, false) => {
            let why = "The job ended without a record of each of its steps.";
            return end(turn, BuildStatus::Fault, Context::new("INTERNAL_SERVICE_ERROR", why));
        }
    };
    turn.state.facts.exported_variables = exported
        .iter()
        .filter(|(name, _)| plan.exported.iter().any(|wanted| wanted == *name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    // INSTALL or PRE_BUILD failed and nothing after it ran: there is nothing to upload.
    if !turn.has(Phase::Build) {
        return turn.complete(status, Vec::new());
    }
    turn.open(Phase::UploadArtifacts, now);
    if let Some(problem) = &plan.artifact_problem {
        turn.close(now, BuildStatus::Failed, Some(problem.clone()));
        return turn.complete(BuildStatus::Failed, Vec::new());
    }
    if plan.artifacts.is_empty() {
        turn.pass(now);
        return turn.complete(status, Vec::new());
    }
    let sets: Vec<ArtifactPlan> = plan.artifacts.iter().map(|set| set.named(&exported)).collect();
    turn.effect(BuildEffect::Upload {
        source_dir: turn.state.request.source_dir(),
        build_arn: turn.state.request.arn(),
        sets,
    });
    turn.state.stage = Stage::Uploading(status);
    turn.into_step()
}

fn all_steps_ended(turn: &Turn) -> bool {
    let last_open = turn.state.phases.last().is_some_and(|r| r.end == PhaseEnd::Open);
    !last_open && Phase::STEPS.into_iter().all(|phase| turn.has(phase))
}

/// Brings the phases up to what the executor says; saying it again changes nothing.
fn record(turn: &mut Turn, steps: &[StepRecord]) {
    for step in steps {
        let Some(phase) = Phase::of_step(&step.name) else { continue };
        if turn.is_open(Phase::Queued) || turn.is_open(Phase::Provisioning) {
            leave_queue(turn, step.started);
            turn.pass(step.started);
            turn.instant(Phase::DownloadSource, step.started);
        }
        turn.open(phase, step.started);
        if let Some((at, outcome)) = step.finished.as_ref().filter(|_| turn.is_open(phase)) {
            let status = match outcome {
                StepOutcome::Succeeded => BuildStatus::Succeeded,
                StepOutcome::Failed { .. } => BuildStatus::Failed,
                StepOutcome::TimedOut => BuildStatus::TimedOut,
                StepOutcome::Cancelled => BuildStatus::Stopped,
            };
            turn.close(*at, status, step_context(outcome));
        }
    }
}

/// The context of a phase that is a step of the job, in AWS's words.
fn step_context(outcome: &StepOutcome) -> Option<Context> {
    match outcome {
        StepOutcome::Succeeded => None,
        StepOutcome::Failed { command, exit_status } => Some(Context::new(
            "COMMAND_EXECUTION_ERROR",
            format!("Error while executing command: {command}. Reason: exit status {exit_status}"),
        )),
        StepOutcome::TimedOut => Some(Context::new("BUILD_TIMED_OUT", "Build has timed out. ")),
        StepOutcome::Cancelled => Some(Context::new("BUILD_STOPPED", "The build was stopped.")),
    }
}
