//! What builds tell, and which begin because of it.

use std::collections::HashMap;
use std::time::Duration;

use base::{Step, Timestamp};

use super::combine::combine;
use super::stop::stop_all;
use crate::build::{BuildStatus, Context};
use crate::build_batch::turn::Turn;
use crate::build_batch::{
    BatchEffect, BatchState, BuildBatch, BuildEnd, BuildRun, Ending, Group, GroupState, Stage, child,
};

/// How long builds may take to answer a stop. A build itself gives up on its job before that.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

pub(in crate::build_batch) fn build_ended(
    state: &BatchState,
    key: &str,
    end: BuildEnd,
    now: Timestamp,
) -> Step<BuildBatch> {
    let mut turn = Turn::new(state, now);
    let Some(index) = running(&turn.state, key) else { return turn.into_step() };
    finish(&mut turn, index, end.status, end.artifacts);
    go_on(turn, None)
}

pub(in crate::build_batch) fn build_not_started(
    state: &BatchState,
    key: &str,
    message: &str,
    now: Timestamp,
) -> Step<BuildBatch> {
    let mut turn = Turn::new(state, now);
    let Some(index) = running(&turn.state, key) else { return turn.into_step() };
    match turn.state.stage {
        // It was stopped before it began: there is no build to show.
        Stage::Stopping(_) => {
            if let Some(group) = turn.state.groups.get_mut(index) {
                group.state = GroupState::NeverBegan;
            }
            go_on(turn, None)
        }
        Stage::Submitted | Stage::ReadingSpec | Stage::InProgress | Stage::Combining | Stage::Completed { .. } => {
            let name = turn.state.groups.get(index).map(|g| g.plan.identifier.clone()).unwrap_or_default();
            finish(&mut turn, index, BuildStatus::Failed, Vec::new());
            let why = format!("build {name} could not be started: {message}");
            go_on(turn, Some(Context::new("CLIENT_ERROR", why)))
        }
    }
}

/// The group that runs under `key`.
fn running(state: &BatchState, key: &str) -> Option<usize> {
    state.groups.iter().position(|group| match &group.state {
        GroupState::Running(run) => state.build_key(group, run.attempt) == key,
        GroupState::Waiting | GroupState::Ended(_) | GroupState::NeverBegan => false,
    })
}

fn finish(turn: &mut Turn, index: usize, status: BuildStatus, artifacts: Vec<crate::build::UploadedArtifact>) {
    let Some(group) = turn.state.groups.get_mut(index) else { return };
    if let GroupState::Running(run) = &group.state {
        group.state = GroupState::Ended(Ending { run: run.clone(), status, artifacts });
    }
}

/// After a build has ended: what begins, what is stopped, or how the batch ends.
fn go_on(mut turn: Turn, why: Option<Context>) -> Step<BuildBatch> {
    let is_over = |turn: &Turn| !turn.state.groups.iter().any(Group::is_running);
    match turn.state.stage {
        Stage::Stopping(status) if is_over(&turn) => {
            let why = context(&turn.state, status);
            turn.complete(status, Some(why))
        }
        Stage::Stopping(_) => turn.into_step(),
        Stage::Submitted | Stage::ReadingSpec | Stage::InProgress | Stage::Combining | Stage::Completed { .. } => {
            let failed = turn.state.groups.iter().any(Group::failed);
            if failed && turn.state.fast_fail && !is_over(&turn) {
                return stop_all(turn, BuildStatus::Failed);
            }
            if !(failed && turn.state.fast_fail) {
                start_ready(&mut turn);
            }
            match (is_over(&turn), failed) {
                (false, _) => turn.into_step(),
                (true, true) => {
                    let why = why.unwrap_or_else(|| context(&turn.state, BuildStatus::Failed));
                    turn.complete(BuildStatus::Failed, Some(why))
                }
                (true, false) => combine(turn),
            }
        }
    }
}

/// Starts each build that waits and whose dependencies let it.
pub(super) fn start_ready(turn: &mut Turn) {
    let now = turn.now;
    let mut effects = Vec::new();
    let mut starts = Vec::new();
    {
        let state = &turn.state;
        let lets_on: HashMap<&str, bool> =
            state.groups.iter().map(|g| (g.plan.identifier.as_str(), g.lets_on())).collect();
        for (index, group) in state.groups.iter().enumerate() {
            let waits = matches!(group.state, GroupState::Waiting);
            if waits && group.plan.depends_on.iter().all(|d| lets_on.get(d.as_str()) == Some(&true)) {
                let attempt = state.run;
                let build = child::id(state, &group.plan.identifier, attempt);
                starts.push((index, BuildRun { attempt, build, requested: now }));
                let identifier = group.plan.identifier.clone();
                effects.push((state.build_key(group, attempt), BatchEffect::StartBuild { identifier }));
            }
        }
    }
    for (index, run) in starts {
        if let Some(group) = turn.state.groups.get_mut(index) {
            group.state = GroupState::Running(run);
        }
    }
    for (key, effect) in effects {
        turn.effect(key, effect);
    }
}

/// Why the batch ends as it does.
pub(super) fn context(state: &BatchState, status: BuildStatus) -> Context {
    match status {
        BuildStatus::Stopped => Context::new("BATCH_STOPPED", "The batch was stopped."),
        BuildStatus::TimedOut => {
            let minutes = state.request.timeout_minutes;
            Context::new("BATCH_TIMED_OUT", format!("The batch did not end within {minutes} minutes."))
        }
        BuildStatus::Failed | BuildStatus::Fault | BuildStatus::Succeeded => {
            // Builds that fast-fail stopped are not what it failed of.
            let stopped = |g: &&Group| g.ending().is_some_and(|e| e.status == BuildStatus::Stopped);
            let all_were_stopped = state.groups.iter().filter(|g| g.failed()).all(|g| stopped(&g));
            let failed = state.groups.iter().filter(|g| g.failed() && (all_were_stopped || !stopped(g)));
            let named = failed.filter_map(|g| {
                let ending = g.ending()?;
                Some(format!("{} ({}, {})", g.plan.identifier, ending.status.name(), ending.run.build))
            });
            let all: Vec<String> = named.collect();
            Context::new("BUILD_FAILED", format!("these builds did not succeed: {}", all.join(", ")))
        }
    }
}
