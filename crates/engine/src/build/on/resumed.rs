//! `Resumed`.
//!
//! A limit that passes while the server is down says nothing about the build: whatever the build waited for could not
//! happen, or could not be heard. So each limit is longer by the time for which no server ran, before a timer can fire,
//! and by no more: a server that dies again and again must not keep a build for ever. Only what is passing right now
//! waits for a moment, some times, so that the server that has just started hears first what its jobs did. A job keeps
//! its own limit under its shim, server or no server, and its journal says how that went.

use std::time::Duration;

use base::{Step, Timestamp};

use crate::build::turn::{BUILD_TIMER, QUEUE_TIMER, Turn};
use crate::build::{Build, BuildInput, BuildState, Stage};

/// How long a server has to hear what happened while it was down.
const MOMENT: Duration = Duration::from_secs(30);
/// How many such moments a build has.
const MOMENTS: u32 = 10;

pub(in crate::build) fn resumed(state: &BuildState, down_seconds: u64, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    // A server that died before it had told everybody tells some again.
    let untold = state.facts.resumed.map_or(Duration::MAX, |told| now.since(told));
    // One that was made since lost less.
    let down = Duration::from_secs(down_seconds).min(untold).min(now.since(state.request.submitted));
    let Some(old) = state.facts.limit else { return turn.into_step() };
    let mut limit = old + down;
    if limit < now + MOMENT && state.facts.moments < MOMENTS {
        limit = now + MOMENT;
        turn.state.facts.moments += 1;
    }
    if limit == old {
        return turn.into_step();
    }
    turn.state.facts.resumed = Some(now);
    turn.state.facts.down_seconds += down.as_secs();
    match state.stage {
        Stage::Submitted | Stage::Completed { .. } => return Step::to(state.clone()),
        Stage::AwaitingSlot | Stage::QueuedToPrepare | Stage::QueuedToRun(_) => {
            turn.set_timer(QUEUE_TIMER, limit, &BuildInput::QueueTimedOut {});
        }
        Stage::Preparing | Stage::Running(_) | Stage::Stopping(_) | Stage::Cut { .. } | Stage::Uploading(_) => {
            turn.set_timer(BUILD_TIMER, limit, &BuildInput::DeadlinePassed {});
        }
    }
    turn.into_step()
}
