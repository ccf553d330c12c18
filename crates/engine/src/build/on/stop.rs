//! `Stop`.

use std::time::Duration;

use base::{Step, Timestamp};

use super::job::stop_context;
use crate::build::turn::{BUILD_TIMER, QUEUE_TIMER, Turn};
use crate::build::{Build, BuildEffect, BuildInput, BuildState, BuildStatus, CutReason, Plan, Stage};

/// How long a job may take to answer a cancel. Longer than a lease of the driver, 120 s, and a tick: what a server that
/// died has not answered, another one asks anew before the build is given up.
const PATIENCE: Duration = Duration::from_secs(180);

/// No job runs: the build is over at once. Whoever is at work finds its answer ignored.
pub(in crate::build) fn stop(state: &BuildState, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    turn.close(now, BuildStatus::Stopped, Some(stop_context(BuildStatus::Stopped)));
    turn.complete(BuildStatus::Stopped, Vec::new())
}

pub(in crate::build) fn stop_job(state: &BuildState, now: Timestamp) -> Step<Build> {
    cancel(state, Stage::Stopping(BuildStatus::Stopped), now)
}

/// The job is being ended already; now it is the user who wants that.
pub(in crate::build) fn stop_cut(state: &BuildState, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    turn.state.stage = Stage::Stopping(BuildStatus::Stopped);
    turn.into_step()
}

/// The server ends the job. It may have finished before anybody could hear of it: only its executor knows.
pub(in crate::build) fn cut(state: &BuildState, plan: &Plan, why: CutReason, now: Timestamp) -> Step<Build> {
    cancel(state, Stage::Cut { plan: plan.clone(), why }, now)
}

/// The build is over when its processes are, not when somebody asked.
fn cancel(state: &BuildState, stage: Stage, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    turn.state.stage = stage;
    turn.clear_timer(QUEUE_TIMER);
    wait_for_job(&mut turn);
    turn.effect(BuildEffect::Cancel { job: state.request.uuid.clone() });
    turn.into_step()
}

/// Bounds the wait for a job that was told to end.
pub(super) fn wait_for_job(turn: &mut Turn) {
    turn.set_timer(BUILD_TIMER, turn.now + PATIENCE, &BuildInput::DeadlinePassed {});
}
