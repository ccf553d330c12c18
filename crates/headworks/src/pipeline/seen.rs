//! What the server says of executions.

use serde_json::{Value, json};

use crate::answers::{list, text};
use crate::cli::CliError;
use crate::client::Client;

/// The newest execution's id.
pub(super) async fn newest(client: &Client, pipeline: &str) -> Result<String, CliError> {
    let ask = json!({ "pipelineName": pipeline, "maxResults": 1 });
    let page = client.call("codepipeline", "ListPipelineExecutions", ask).await?;
    match list(&page["pipelineExecutionSummaries"]).first() {
        Some(execution) => Ok(text(&execution["pipelineExecutionId"])),
        None => Err(CliError::user(format!("pipeline {pipeline} has no executions"))
            .hint(format!("`headworks pipeline start {pipeline}` starts one"))),
    }
}

/// The named execution's id, or the newest's.
pub(super) async fn or_newest(client: &Client, pipeline: &str, named: Option<&String>) -> Result<String, CliError> {
    match named {
        Some(id) => Ok(id.clone()),
        None => newest(client, pipeline).await,
    }
}

/// An execution as GetPipelineExecution shows it.
pub(super) async fn execution(client: &Client, pipeline: &str, id: &str) -> Result<Value, CliError> {
    let names = json!({ "pipelineName": pipeline, "pipelineExecutionId": id });
    let mut answer = client.call("codepipeline", "GetPipelineExecution", names).await?;
    Ok(answer["pipelineExecution"].take())
}

/// All action executions of an execution, oldest first.
pub(super) async fn actions(client: &Client, pipeline: &str, id: &str) -> Result<Vec<Value>, CliError> {
    let mut ask = json!({ "pipelineName": pipeline, "filter": { "pipelineExecutionId": id }, "maxResults": 100 });
    let mut all = Vec::new();
    loop {
        let page = client.call("codepipeline", "ListActionExecutions", ask.clone()).await?;
        all.extend(list(&page["actionExecutionDetails"]).iter().cloned());
        match page["nextToken"].as_str() {
            Some(token) => ask["nextToken"] = json!(token),
            None => break,
        }
    }
    all.reverse();
    Ok(all)
}

/// The stages with their actions, as GetPipelineState shows them.
pub(super) async fn stages(client: &Client, pipeline: &str) -> Result<Vec<Value>, CliError> {
    let mut state = client.call("codepipeline", "GetPipelineState", json!({ "name": pipeline })).await?;
    match state["stageStates"].take() {
        Value::Array(stages) => Ok(stages),
        _ => Ok(Vec::new()),
    }
}

/// Whether `name` is that of a run of the declared action, which has a matrix.
pub(super) fn is_run(action: &Value, name: &str) -> bool {
    let configuration = &action["configuration"];
    let has_matrix = ["HeadworksMatrix", "HeadworksMatrixFile"].iter().any(|key| configuration[key].is_string());
    let number = action["name"].as_str().and_then(|own| name.strip_prefix(own)?.strip_prefix('@'));
    has_matrix && number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}
