//! `Reported`, `Uploaded` and `UploadFailed`.

use base::{Step, Timestamp};

use crate::build::turn::Turn;
use crate::build::{Build, BuildState, BuildStatus, Context, UploadedArtifact, container_line};

pub(in crate::build) fn uploaded(
    state: &BuildState,
    status: BuildStatus,
    artifacts: Vec<UploadedArtifact>,
    now: Timestamp,
) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    turn.state.facts.artifacts = artifacts;
    turn.pass(now);
    let lines = vec![
        container_line(now, "Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED"),
        container_line(now, "Phase context status code:  Message: "),
    ];
    turn.complete(status, lines)
}

pub(in crate::build) fn reported(state: &BuildState, reports: Vec<String>, now: Timestamp) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    turn.state.facts.reports = reports;
    turn.into_step()
}

pub(in crate::build) fn upload_failed(
    state: &BuildState,
    status: BuildStatus,
    code: String,
    message: String,
    now: Timestamp,
) -> Step<Build> {
    let mut turn = Turn::new(state, now);
    let lines = vec![
        container_line(now, "Phase complete: UPLOAD_ARTIFACTS State: FAILED"),
        container_line(now, &format!("Phase context status code: {code} Message: {message}")),
    ];
    turn.close(now, BuildStatus::Failed, Some(Context::new(code, message)));
    let status = if status == BuildStatus::Succeeded { BuildStatus::Failed } else { status };
    turn.complete(status, lines)
}
