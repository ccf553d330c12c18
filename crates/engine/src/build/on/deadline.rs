//! Timers.

use base::{Step, Timestamp};

use super::job::{end, end_context, stop_context};
use crate::build::turn::Turn;
use crate::build::{Build, BuildState, BuildStatus, Context};

/// The queue's time is over and nobody has begun.
pub(in crate::build) fn queue_timed_out(state: &BuildState, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    let minutes = state.request.queued_timeout_minutes;
    let why = format!("Build has been queued for more than {minutes} minutes. ");
    turn.close(now, BuildStatus::TimedOut, Some(Context::new("BUILD_TIMED_OUT", why)));
    turn.complete(BuildStatus::TimedOut, Vec::new())
}

/// No job runs and the time is over.
pub(in crate::build) fn deadline(state: &BuildState, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    turn.close(now, BuildStatus::TimedOut, Some(stop_context(BuildStatus::TimedOut)));
    turn.complete(BuildStatus::TimedOut, Vec::new())
}

/// Nobody confirmed the end of the job.
pub(in crate::build) fn gave_up(state: &BuildState, now: Timestamp) -> Step<Build> {
    let (status, Context { status_code, message }) = end_context(state);
    let message = format!("{message} Its job did not confirm that it ended.");
    end(Turn::new(state, now), status, Context::new(status_code, message))
}
