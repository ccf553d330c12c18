//! `Resumed`.
//!
//! As a build's limits, a batch's is longer by the time for which no server ran, and by no more.

use std::time::Duration;

use base::{Step, Timestamp};

use crate::build_batch::turn::Turn;
use crate::build_batch::{BatchState, BuildBatch};

pub(in crate::build_batch) fn resumed(state: &BatchState, down_seconds: u64, now: Timestamp) -> Step<BuildBatch> {
    let mut turn = Turn::new(state, now);
    // A server that died before it had told everybody tells some again.
    let untold = state.resumed.map_or(Duration::MAX, |told| now.since(told));
    // One that was made since lost less.
    let down = Duration::from_secs(down_seconds).min(untold).min(now.since(state.request.template.submitted));
    let Some(limit) = state.limit.filter(|_| !down.is_zero()) else { return turn.into_step() };
    turn.state.resumed = Some(now);
    turn.set_timer(limit + down);
    turn.into_step()
}
