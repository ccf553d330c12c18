//! `Retry`.

use std::time::Duration;

use base::{Step, Timestamp};

use super::build::start_ready;
use super::combine::combine;
use super::start::begin;
use crate::build::BuildStatus;
use crate::build_batch::turn::Turn;
use crate::build_batch::{BatchPhase, BatchState, BuildBatch, Group, GroupState, Stage, event};

/// The same batch goes on; builds that are replaced stay on record.
pub(in crate::build_batch) fn retry(state: &BatchState, all: bool, now: Timestamp) -> Step<BuildBatch> {
    let mut turn = Turn::new(state, now);
    turn.state.run += 1;
    turn.state.phases.clear();
    turn.state.artifact = None;
    turn.open(BatchPhase::Submitted, now);
    turn.close(BuildStatus::Succeeded, None);
    if turn.state.groups.is_empty() {
        let step = begin(turn);
        return announced(step);
    }
    turn.state.stage = Stage::InProgress;
    turn.open(BatchPhase::InProgress, now);
    let limit = Duration::from_secs(u64::from(turn.state.request.timeout_minutes) * 60);
    turn.set_timer(now + limit);
    for group in &mut turn.state.groups {
        let again = all || !group.lets_on();
        if again {
            reset(group);
        }
    }
    turn.event(event::state_change(&turn.state));
    start_ready(&mut turn);
    if turn.state.groups.iter().any(Group::is_running) {
        return turn.into_step();
    }
    combine(turn)
}

fn reset(group: &mut Group) {
    let old = std::mem::replace(&mut group.state, GroupState::Waiting);
    match old {
        GroupState::Ended(ending) => group.prior.push(ending),
        // It never confirmed its end; the batch has given it up.
        GroupState::Running(run) => {
            group.prior.push(crate::build_batch::Ending { run, status: BuildStatus::Fault, artifacts: Vec::new() })
        }
        GroupState::Waiting | GroupState::NeverBegan => {}
    }
}

fn announced(mut step: Step<BuildBatch>) -> Step<BuildBatch> {
    let event = event::state_change(&step.state);
    if step.state.completed().is_none() {
        step.events.push(event);
    }
    step
}
