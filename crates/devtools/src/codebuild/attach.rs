//! Whom a shell may be opened in: a sandbox that runs, and a build that was started with `debugSessionEnabled`, as long as
//! its commands run. `headworks attach` asks for it with a StartSandboxConnection, so that operation's needs hold for both.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/userguide/session-manager.html>.
//!
//! Deviation: the right to enter a build is `codebuild:StartSandboxConnection` on its project; AWS asks for
//! `ssm:StartSession` on the build.

use base::ApiError;
use engine::build::Stage;
use platform::Cx;

use super::errors::{invalid, not_found};
use super::{batch_get_builds, batch_get_sandboxes};

/// The job of a sandbox or build, by id or ARN.
pub async fn attach_target(cx: &Cx, id: &str) -> Result<String, ApiError> {
    let mut tx = cx.store.read().await?;
    if let Some(row) = batch_get_sandboxes::find(&mut tx, cx.scope(), id).await? {
        let status = row.state.status_name();
        return match row.state.takes_commands() {
            true => Ok(row.state.session.request.uuid),
            false => Err(invalid(format!("Sandbox {} is {status}: there is nothing to attach to", row.id))),
        };
    }
    let row = batch_get_builds::find(&mut tx, cx.scope(), id).await?;
    let row = row.ok_or_else(|| not_found(format!("There is no build and no sandbox {id}")))?;
    let request = row.state.request;
    if !request.debug_session {
        return Err(invalid(format!(
            "Build {} takes no visitors: start it with debugSessionEnabled, and say codebuild-breakpoint where it is to wait",
            row.id
        )));
    }
    match row.state.stage {
        Stage::Running(_) => Ok(request.uuid),
        Stage::Completed { .. } => Err(invalid(format!("Build {} is over: there is nothing to attach to", row.id))),
        Stage::Submitted
        | Stage::AwaitingSlot
        | Stage::QueuedToPrepare
        | Stage::QueuedToRun(_)
        | Stage::Preparing
        | Stage::Stopping(_)
        | Stage::Cut { .. }
        | Stage::Uploading(_) => Err(invalid(format!("No command of build {} runs now", row.id))),
    }
}
