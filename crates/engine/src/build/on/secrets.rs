//! `SecretsFailed`.

use base::{Step, Timestamp};

use super::start::leave_queue;
use crate::build::turn::Turn;
use crate::build::{Build, BuildState, BuildStatus, Context, Phase, container_line};

/// A variable has no value: DOWNLOAD_SOURCE fails, as it does on AWS, and nothing of the buildspec runs.
pub(in crate::build) fn secrets_failed(state: &BuildState, context: Context, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    leave_queue(&mut turn, now);
    if turn.is_open(Phase::Provisioning) {
        turn.pass(now);
    }
    turn.open(Phase::DownloadSource, now);
    let Context { status_code, message } = &context;
    let lines = vec![
        container_line(now, "Phase complete: DOWNLOAD_SOURCE State: FAILED"),
        container_line(now, &format!("Phase context status code: {status_code} Message: {message}")),
    ];
    turn.close(now, BuildStatus::Failed, Some(context));
    turn.complete(BuildStatus::Failed, lines)
}
