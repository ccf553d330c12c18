//! What the job's executor reports.

use std::collections::BTreeMap;

use base::{JobOutcome, JobTimeout, Step, StepOutcome, StepRecord, Timestamp};

use super::disk::disk_context;
use super::prepared::environment_context;
use super::start::leave_queue;
use crate::build::turn::Turn;
use crate::build::{
    ArtifactPlan, Build, BuildEffect, BuildState, BuildStatus, Context, CutReason, Phase, PhaseEnd, Plan, Results,
    Stage, container_line,
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

/// The server told the job to end. The journal's truth wins: what it had finished before that, while nobody could hear
/// it, is how the build ends, and its artifacts are stored.
pub(in crate::build) fn job_cut(
    state: &BuildState,
    plan: &Plan,
    why: CutReason,
    outcome: JobOutcome,
    now: Timestamp,
) -> Step<Build> {
    match outcome {
        JobOutcome::Finished { steps, exported } => {
            let mut turn = Turn::new(state, now);
            record(&mut turn, &steps);
            match why {
                CutReason::OutOfTime if !turn.steps_ended_in_time() => {
                    end(turn, why.status(), stop_context(why.status()))
                }
                CutReason::OutOfTime | CutReason::DiskFull => finished(turn, plan, exported),
            }
        }
        JobOutcome::OutOfMemory { .. } | JobOutcome::TimedOut(_) => job_ended(state, plan, outcome, now),
        JobOutcome::Cancelled { .. } | JobOutcome::Lost { .. } | JobOutcome::NotStarted { .. } => {
            job_stopped(state, why.status(), outcome, now)
        }
    }
}

/// The job was told to end: whatever it says, that is why the build ends.
pub(in crate::build) fn job_stopped(
    state: &BuildState,
    status: BuildStatus,
    outcome: JobOutcome,
    now: Timestamp,
) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    let (_, context) = end_context(state);
    let (JobOutcome::Finished { steps, .. }
    | JobOutcome::TimedOut(JobTimeout { steps, .. })
    | JobOutcome::Cancelled { steps }
    | JobOutcome::OutOfMemory { steps }
    | JobOutcome::Lost { steps, .. }) = &outcome
    else {
        return end(turn, status, context);
    };
    record(&mut turn, steps);
    end(turn, status, context)
}

/// How a build ends whose job is told to end, and what its phase says then.
pub(super) fn end_context(state: &BuildState) -> (BuildStatus, Context) {
    let status = match &state.stage {
        Stage::Cut { why: CutReason::DiskFull, .. } => {
            return (CutReason::DiskFull.status(), disk_context());
        }
        Stage::Cut { why, .. } => why.status(),
        Stage::Stopping(status) => *status,
        Stage::Submitted
        | Stage::AwaitingSlot
        | Stage::QueuedToPrepare
        | Stage::QueuedToRun(_)
        | Stage::Preparing
        | Stage::Running(_)
        | Stage::Uploading(_)
        | Stage::Completed { .. } => BuildStatus::Stopped,
    };
    (status, stop_context(status))
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
    if !open && (!told || status == BuildStatus::Fault) {
        // Between two steps: the next one is where it ended. After one that failed nothing may have been to come.
        let steps = turn.state.request.steps().iter().copied().filter(|_| !told);
        let next = steps.into_iter().find(|phase| !turn.has(*phase)).unwrap_or(Phase::Finalizing);
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
    // INSTALL or PRE_BUILD failed and nothing after it ran, or the build was to end early: there is nothing to upload.
    if !turn.has(Phase::Build) || turn.state.request.last_phase.is_some() {
        return turn.complete(status, Vec::new());
    }
    turn.open(Phase::UploadArtifacts, now);
    let request = &turn.state.request;
    let results = Results {
        project: request.project.clone(),
        reports: plan.reports.clone(),
        discover: plan.discover.clone(),
        // A build that failed may have left anything.
        cache: plan.cache.clone().filter(|cache| cache.saves && status == BuildStatus::Succeeded),
        problem: plan.artifact_problem.clone(),
    };
    let nothing_else = results.reports.is_empty() && results.discover.is_none() && results.cache.is_none();
    if let Some(problem) = results.problem.as_ref().filter(|_| nothing_else) {
        turn.close(now, BuildStatus::Failed, Some(problem.clone()));
        return turn.complete(BuildStatus::Failed, Vec::new());
    }
    if plan.artifacts.is_empty() && nothing_else {
        turn.pass(now);
        return turn.complete(status, Vec::new());
    }
    let sets: Vec<ArtifactPlan> = plan
        .artifacts
        .iter()
        .map(|set| set.named(&exported).expanded(&plan.path_variables, &exported, &turn.state.request.source_dir()))
        .collect();
    turn.leave_time_for_upload();
    turn.effect(BuildEffect::Upload {
        source_dir: turn.state.request.source_dir(),
        build_arn: turn.state.request.arn(),
        sets,
        results: Box::new(results),
    });
    turn.state.stage = Stage::Uploading(status);
    turn.into_step()
}

fn all_steps_ended(turn: &Turn) -> bool {
    let last_open = turn.state.phases.last().is_some_and(|r| r.end == PhaseEnd::Open);
    let last = turn.state.request.last_phase.unwrap_or(Phase::RunSandbox);
    !last_open && turn.state.request.steps().iter().filter(|phase| **phase <= last).all(|phase| turn.has(*phase))
}

/// Brings the phases up to what the executor says, in AWS's words; saying it again changes nothing.
fn record(turn: &mut Turn, steps: &[StepRecord]) {
    for step in steps {
        let Some(phase) = Phase::of_step(&step.name) else { continue };
        if turn.is_open(Phase::Queued) || turn.is_open(Phase::Provisioning) {
            leave_queue(turn, step.started);
            turn.pass(step.started);
            turn.instant(Phase::DownloadSource, step.started);
        }
        if turn.is_open(Phase::DownloadSource) {
            turn.pass(step.started);
        }
        turn.open(phase, step.started);
        if let Some((at, outcome)) = step.finished.as_ref().filter(|_| turn.is_open(phase)) {
            let (status, context) = match outcome {
                StepOutcome::Succeeded => (BuildStatus::Succeeded, None),
                StepOutcome::Failed { command, exit_status } => {
                    let why = format!("Error while executing command: {command}. Reason: exit status {exit_status}");
                    (BuildStatus::Failed, Some(Context::new("COMMAND_EXECUTION_ERROR", why)))
                }
                StepOutcome::Refused { reason } => {
                    (BuildStatus::Failed, Some(Context::new("YAML_FILE_ERROR", reason.clone())))
                }
                StepOutcome::TimedOut => (BuildStatus::TimedOut, Some(stop_context(BuildStatus::TimedOut))),
                StepOutcome::Cancelled => {
                    let (status, context) = end_context(&turn.state);
                    (status, Some(context))
                }
            };
            turn.close(*at, status, context);
        }
    }
}
