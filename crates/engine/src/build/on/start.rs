//! `Start`, `Admitted` and `Began`.

use base::{Step, Tell, Timestamp};

use super::prepared::plan_failed;
use crate::build::plan::{SourceDirs, plan_text};
use crate::build::turn::{QUEUE_TIMER, Turn};
use crate::build::{Build, BuildEffect, BuildState, BuildspecFrom, Phase, Stage, event};
use crate::build_queue::{BuildQueue, QueueInput, Ticket, queue_id};

pub(in crate::build) fn start(state: &BuildState, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    let request = state.request.clone();
    turn.instant(Phase::Submitted, request.submitted);
    turn.event(event::state_change(&turn.state));
    turn.open(Phase::Queued, request.submitted);
    turn.limit_queue(request.submitted);
    if request.limited_by.is_none() {
        return proceed(turn);
    }
    let ticket = Ticket {
        build: request.id.clone(),
        project: request.project.clone(),
        purpose: request.purpose,
        limits: request.limited_by.clone(),
    };
    turn.tell(Tell::to::<BuildQueue>(queue_id(&request.scope), &QueueInput::Ask { ticket }));
    turn.state.stage = Stage::AwaitingSlot;
    turn.into_step()
}

pub(in crate::build) fn admitted(state: &BuildState, now: Timestamp) -> Step<Build> {
    proceed(Turn::new(state, now))
}

fn proceed(mut turn: Turn) -> Step<Build> {
    let (request, now) = (turn.state.request.clone(), turn.now);
    if let (true, BuildspecFrom::Inline(text)) = (request.is_self_contained(), &request.buildspec) {
        // Nothing to fetch: one round through the outbox less before the first command runs.
        match plan_text(&request, &SourceDirs::of(&request), text) {
            Ok((plan, job, preamble)) => {
                let cache = plan.restored_cache();
                turn.state.stage = Stage::QueuedToRun(plan);
                turn.effect(BuildEffect::Run { job: Box::new(job), logs: request.logs.clone(), preamble, cache });
            }
            Err(error) => {
                turn.pass(now);
                turn.instant(Phase::Provisioning, now);
                return plan_failed(turn, error);
            }
        }
    } else {
        turn.state.stage = Stage::QueuedToPrepare;
        turn.effect(BuildEffect::Prepare { request: Box::new(request) });
    }
    turn.into_step()
}

pub(in crate::build) fn began(state: &BuildState, next: Stage, at: Timestamp, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    leave_queue(&mut turn, at);
    turn.state.stage = next;
    turn.into_step()
}

/// Closes QUEUED, opens PROVISIONING and lets the build's own time run. Safe to call when that has happened.
pub(super) fn leave_queue(turn: &mut Turn, at: Timestamp) {
    if !turn.is_open(Phase::Queued) {
        return;
    }
    turn.pass(at);
    turn.open(Phase::Provisioning, at);
    turn.clear_timer(QUEUE_TIMER);
    turn.limit_build(at);
}
