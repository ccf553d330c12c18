//! `DiskFull`.

use base::{Step, Timestamp};

use super::prepared::prepare_failed;
use super::uploaded::upload_failed;
use crate::build::{Build, BuildState, BuildStatus, Context, SourceFailure};

/// Sources are being fetched, and what is fetched may be what fills the disk. Nothing of the user's has run.
pub(in crate::build) fn disk_full_while_preparing(state: &BuildState, now: Timestamp) -> Step<Build> {
    let Context { status_code: code, message } = disk_context();
    prepare_failed(state, SourceFailure::Source { code, message }, now)
}

/// There is no room to pack artifacts in, and the working copy that they come from takes what there was.
pub(in crate::build) fn disk_full_while_uploading(
    state: &BuildState,
    status: BuildStatus,
    now: Timestamp,
) -> Step<Build> {
    let Context { status_code: code, message } = disk_context();
    upload_failed(state, status, code, message, now)
}

/// Why a build ends that the server has no room for.
pub(super) fn disk_context() -> Context {
    let why = "The disk of the server is full, so the build was ended. Free space in the server's data folder and \
               start the build again.";
    Context::new("CLIENT_ERROR", why)
}
