//! ListCommandExecutionsForSandbox: whole records, newest first unless asked otherwise, at most 100 a page.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListCommandExecutionsForSandbox.html>.

use base::ApiError;
use engine::command_execution::CommandExecution;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::machine;

use super::batch_get_sandboxes::find;
use super::errors;
use super::list_builds::{PAGE, page_of};
use super::sandbox_view::execution_view;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub sandbox_id: String,
    pub max_results: Option<u32>,
    pub sort_order: Option<String>,
    pub next_token: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub command_executions: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists the command executions of a sandbox.
pub async fn list_command_executions_for_sandbox(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let sandbox = find(&mut cx.store.read().await?, cx.scope(), &input.sandbox_id).await?;
    let sandbox = sandbox.ok_or_else(|| errors::sandbox_not_found(&input.sandbox_id))?;
    let size = input.max_results.unwrap_or(PAGE).clamp(1, PAGE);
    let (order, token) = (input.sort_order.as_deref(), input.next_token.as_deref());
    let page = page_of::<CommandExecution>(cx, Some(&sandbox.id), order, token, size).await?;
    let mut tx = cx.store.read().await?;
    let mut command_executions = Vec::new();
    for id in &page.ids {
        if let Some(row) = machine::get::<CommandExecution>(&mut tx, id).await? {
            command_executions.push(execution_view(&sandbox.state, &row.state));
        }
    }
    Ok(Output { command_executions, next_token: page.next_token })
}
