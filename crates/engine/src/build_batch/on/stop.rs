//! `Stop`, and the batch's time limit.

use base::{Step, Timestamp};

use super::build::{PATIENCE, context};
use crate::build::BuildStatus;
use crate::build_batch::turn::Turn;
use crate::build_batch::{BatchEffect, BatchState, BuildBatch, GroupState, RunningBuild, Stage};

pub(in crate::build_batch) fn stop(state: &BatchState, status: BuildStatus, now: Timestamp) -> Step<BuildBatch> {
    stop_all(Turn::new(state, now), status)
}

/// The batch is over when its builds are.
pub(super) fn stop_all(mut turn: Turn, status: BuildStatus) -> Step<BuildBatch> {
    let state = &turn.state;
    let running = state.groups.iter().filter_map(|group| match &group.state {
        GroupState::Running(run) => {
            Some(RunningBuild { key: state.build_key(group, run.attempt), build: run.build.clone() })
        }
        GroupState::Waiting | GroupState::Ended(_) | GroupState::NeverBegan => None,
    });
    let builds: Vec<RunningBuild> = running.collect();
    let key = state.key("stop");
    turn.state.stage = Stage::Stopping(status);
    turn.set_timer(turn.now + PATIENCE);
    turn.effect(key, BatchEffect::StopBuilds { builds });
    turn.into_step()
}

/// No build runs: the batch is over at once.
pub(in crate::build_batch) fn end(state: &BatchState, status: BuildStatus, now: Timestamp) -> Step<BuildBatch> {
    let why = context(state, status);
    Turn::new(state, now).complete(status, Some(why))
}

/// Builds that were stopped did not say so in time.
pub(in crate::build_batch) fn gave_up(state: &BatchState, status: BuildStatus, now: Timestamp) -> Step<BuildBatch> {
    let mut why = context(state, status);
    let silent = state.groups.iter().filter(|g| g.is_running()).map(|g| g.plan.identifier.as_str());
    let silent: Vec<&str> = silent.collect();
    why.message.push_str(&format!(" These builds did not confirm that they ended: {}.", silent.join(", ")));
    Turn::new(state, now).complete(status, Some(why))
}
