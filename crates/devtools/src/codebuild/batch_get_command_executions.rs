//! BatchGetCommandExecutions: of one sandbox; what is not found there is listed as it was asked for.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchGetCommandExecutions.html>.

use base::ApiError;
use engine::command_execution::CommandExecution;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::machine;

use super::batch_get_sandboxes::find;
use super::errors;
use super::sandbox_view::execution_view;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub sandbox_id: String,
    pub command_execution_ids: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub command_executions: Vec<Value>,
    pub command_executions_not_found: Vec<String>,
}

/// Shows command executions.
pub async fn batch_get_command_executions(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let sandbox = find(&mut tx, cx.scope(), &input.sandbox_id).await?;
    // The model knows no other error here.
    let sandbox = sandbox.ok_or_else(|| errors::invalid(format!("Sandbox {} does not exist", input.sandbox_id)))?;
    let mut output = Output { command_executions: Vec::new(), command_executions_not_found: Vec::new() };
    for id in input.command_execution_ids {
        match machine::get::<CommandExecution>(&mut tx, &id).await?.filter(|row| row.parent == sandbox.id) {
            Some(row) => output.command_executions.push(execution_view(&sandbox.state, &row.state)),
            None => output.command_executions_not_found.push(id),
        }
    }
    Ok(output)
}
