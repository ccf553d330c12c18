//! StopSandbox: asks the sandbox to end. The answer shows it as it is then: it is over when its processes are. Stopping one
//! that is over changes nothing.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StopSandbox.html>.

use base::ApiError;
use engine::build::BuildInput;
use engine::sandbox::{Sandbox, SandboxInput};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AdvanceError, advance};

use super::batch_get_sandboxes::find;
use super::errors;
use super::sandbox_view::view;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub id: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub sandbox: Value,
}

/// Stops a sandbox.
pub async fn stop_sandbox(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let state = cx
        .store
        .write(move |tx| {
            let (scope, id) = (scope.clone(), input.id.clone());
            Box::pin(async move {
                let row = find(tx, &scope, &id).await?.ok_or_else(|| errors::sandbox_not_found(&id))?;
                match advance::<Sandbox>(tx, &row.id, SandboxInput::Session(BuildInput::Stop {})).await {
                    Ok(advanced) => Ok(advanced.state),
                    Err(AdvanceError::Refused(_)) => Ok(row.state),
                    Err(AdvanceError::NotFound) => Err(errors::sandbox_not_found(&id)),
                    Err(AdvanceError::Store(e)) => Err(e.into()),
                }
            })
        })
        .await?;
    Ok(Output { sandbox: view(&state) })
}
