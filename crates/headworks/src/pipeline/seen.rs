//! What the server says of executions.

use serde_json::{Value, json};

use crate::answers::{list, text};
use crate::cli::CliError;
use crate::client::Client;

/// The newest execution's id.
pub(super) async fn newest(client: &Client, pipeline: &str) -> Result<String, CliError> {
    match newest_of_any(client, pipeline).await? {
        Some(id) => Ok(id),
        None => Err(CliError::user(format!("pipeline {pipeline} has no executions"))
            .hint(format!("`headworks pipeline start {pipeline}` starts one"))),
    }
}

/// The newest execution's id, if the pipeline has executions.
pub(super) async fn newest_of_any(client: &Client, pipeline: &str) -> Result<Option<String>, CliError> {
    let newest = executions(client, pipeline, 1).await?;
    Ok(newest.first().map(|execution| text(&execution["pipelineExecutionId"])))
}

/// Executions as ListPipelineExecutions shows them, newest first, and no more than `limit`.
pub(super) async fn executions(client: &Client, pipeline: &str, limit: usize) -> Result<Vec<Value>, CliError> {
    let mut ask = json!({ "pipelineName": pipeline, "maxResults": limit.min(100) });
    let mut all = Vec::new();
    loop {
        let page = client.call("codepipeline", "ListPipelineExecutions", ask.clone()).await?;
        all.extend(list(&page["pipelineExecutionSummaries"]).iter().cloned());
        match page["nextToken"].as_str() {
            Some(token) if all.len() < limit => ask["nextToken"] = json!(token),
            _ => break,
        }
    }
    all.truncate(limit);
    Ok(all)
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
    let filter = json!({ "pipelineExecutionId": id });
    let mut all = details(client, pipeline, ("ListActionExecutions", "actionExecutionDetails"), filter).await?;
    all.reverse();
    Ok(all)
}

/// The latest run of each action of an execution.
pub(super) async fn latest_actions(client: &Client, pipeline: &str, id: &str) -> Result<Vec<Value>, CliError> {
    let filter = json!({ "latestInPipelineExecution": { "pipelineExecutionId": id, "startTimeRange": "Latest" } });
    details(client, pipeline, ("ListActionExecutions", "actionExecutionDetails"), filter).await
}

/// The last stage that an execution came to, of those that the pipeline has: each action and rule of it tells where it was.
pub(super) async fn last_stage(
    client: &Client,
    pipeline: &str,
    stages: &[Value],
    id: &str,
) -> Result<Option<String>, CliError> {
    let filter = json!({ "pipelineExecutionId": id });
    let mut seen = details(client, pipeline, ("ListRuleExecutions", "ruleExecutionDetails"), filter).await?;
    seen.extend(actions(client, pipeline, id).await?);
    Ok(furthest(stages, &seen))
}

fn furthest(stages: &[Value], seen: &[Value]) -> Option<String> {
    let was_there = |stage: &&Value| seen.iter().any(|one| one["stageName"] == stage["stageName"]);
    stages.iter().rev().find(was_there).map(|stage| text(&stage["stageName"]))
}

/// All pages of a list of what executions did, newest first.
async fn details(
    client: &Client,
    pipeline: &str,
    (operation, member): (&str, &str),
    filter: Value,
) -> Result<Vec<Value>, CliError> {
    let mut ask = json!({ "pipelineName": pipeline, "filter": filter, "maxResults": 100 });
    let mut all = Vec::new();
    loop {
        let page = client.call("codepipeline", operation, ask.clone()).await?;
        all.extend(list(&page[member]).iter().cloned());
        match page["nextToken"].as_str() {
            Some(token) => ask["nextToken"] = json!(token),
            None => break,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_stands_in_the_last_stage_in_which_an_action_or_a_rule_of_it_was() {
        let of = |names: &[&str]| names.iter().map(|name| json!({ "stageName": name })).collect::<Vec<Value>>();
        let stages = of(&["Source", "Build", "Deploy"]);
        assert_eq!(furthest(&stages, &of(&["Build", "Source", "Build"])), Some("Build".to_owned()));
        assert_eq!(furthest(&stages, &of(&["Elsewhere"])), None);
        assert_eq!(furthest(&stages, &[]), None);
    }
}
