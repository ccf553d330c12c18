//! BatchGetSandboxes: by id or ARN; what is not found is listed as it was asked for.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetSandboxes.html>.

use base::{ApiError, Scope};
use engine::sandbox::Sandbox;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Tx;
use store::machine::{self, MachineRow};

use super::sandbox_view::view;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub ids: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub sandboxes: Vec<Value>,
    pub sandboxes_not_found: Vec<String>,
}

/// Shows sandboxes.
pub async fn batch_get_sandboxes(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut output = Output { sandboxes: Vec::new(), sandboxes_not_found: Vec::new() };
    for id in input.ids {
        match find(&mut tx, cx.scope(), &id).await? {
            Some(row) => output.sandboxes.push(view(&row.state)),
            None => output.sandboxes_not_found.push(id),
        }
    }
    Ok(output)
}

/// The row of a sandbox given by id or ARN, if it belongs to `scope`.
pub(super) async fn find(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<MachineRow<Sandbox>>, ApiError> {
    let prefix = scope.arn("codebuild", "sandbox/").to_string();
    let row = machine::get::<Sandbox>(tx, id.strip_prefix(&prefix).unwrap_or(id)).await?;
    Ok(row.filter(|row| row.scope == *scope))
}
