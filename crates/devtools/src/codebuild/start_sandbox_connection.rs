//! StartSandboxConnection: AWS answers with a session of Session Manager, whose stream only its own plugin speaks. That
//! stream is not built: the request is refused with the way in that there is.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartSandboxConnection.html>.
//!
//! Deviation: no session of Session Manager is started; `headworks attach` opens a shell in a sandbox.

use base::ApiError;
use platform::Cx;
use serde::Deserialize;

use super::batch_get_sandboxes::find;
use super::errors;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub sandbox_id: String,
}

/// Refuses, and says what to do instead.
pub async fn start_sandbox_connection(cx: &Cx, input: Input) -> Result<(), ApiError> {
    let mut tx = cx.store.read().await?;
    let row = find(&mut tx, cx.scope(), &input.sandbox_id).await?;
    let row = row.ok_or_else(|| errors::sandbox_not_found(&input.sandbox_id))?;
    Err(errors::invalid(format!(
        "Sessions of Session Manager are not supported by this server. For a shell in this sandbox run: headworks attach {}",
        row.id
    )))
}
