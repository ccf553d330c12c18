//! `Start`.

use std::time::Duration;

use base::{Step, Timestamp};

use super::spec::planned;
use crate::build::{BuildStatus, BuildspecFrom};
use crate::build_batch::turn::Turn;
use crate::build_batch::{BatchEffect, BatchPhase, BatchState, BuildBatch, Stage, event};

pub(in crate::build_batch) fn start(state: &BatchState, now: Timestamp) -> Step<BuildBatch> {
    let mut turn = Turn::new(state, now);
    let submitted = turn.state.request.template.submitted;
    turn.open(BatchPhase::Submitted, submitted);
    turn.event(event::state_change(&turn.state));
    turn.close(BuildStatus::Succeeded, None);
    begin(turn)
}

/// Sets the time limit and reads the buildspec, or plans at once when its text is at hand.
pub(super) fn begin(mut turn: Turn) -> Step<BuildBatch> {
    let limit = Duration::from_secs(u64::from(turn.state.request.timeout_minutes) * 60);
    turn.set_timer(turn.now + limit);
    turn.open(BatchPhase::DownloadBatchspec, turn.now);
    let template = turn.state.request.template.clone();
    if let (true, BuildspecFrom::Inline(text)) = (template.is_self_contained(), &template.buildspec) {
        return planned(turn, text);
    }
    turn.state.stage = Stage::ReadingSpec;
    let key = turn.state.key("spec");
    turn.effect(key, BatchEffect::ReadSpec { request: Box::new(template) });
    turn.into_step()
}
