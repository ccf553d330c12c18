//! `Resumed`.
//!
//! A limit that passes while the server is down says nothing about the build: whatever the build waited for could not
//! happen, or could not be heard. So each wait gets its time anew, before a timer can fire. A job keeps its own limit
//! under its shim, server or no server, and its journal says how that went.

use base::{Step, Timestamp};

use super::stop::wait_for_job;
use crate::build::turn::Turn;
use crate::build::{Build, BuildState, Stage};

pub(in crate::build) fn resumed(state: &BuildState, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    match state.stage {
        Stage::Submitted | Stage::Completed { .. } => {}
        Stage::AwaitingSlot | Stage::QueuedToPrepare | Stage::QueuedToRun(_) => turn.limit_queue(now),
        Stage::Preparing | Stage::Running(_) => {
            turn.state.facts.resumed = Some(now);
            turn.limit_build(now);
        }
        Stage::Stopping(_) | Stage::Cut { .. } => wait_for_job(&mut turn),
        Stage::Uploading(_) => turn.limit_upload(),
    }
    turn.into_step()
}
