//! `headworks pipeline retry`, `rollback` and `stop`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::{seen, watch};
use crate::answers::{list, text};
use crate::cli::{CliError, Output, say};
use crate::client::Client;

#[derive(Args)]
pub struct RetryFlags {
    pipeline: String,
    /// The stage [default: the one in which the execution failed or was stopped]
    stage: Option<String>,
    /// Of this execution [default: the last one in the stage; without a stage the newest]
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// Run all actions of the stage again, not only those that failed
    #[arg(long)]
    all_actions: bool,
    /// Follow the execution to its end
    #[arg(short, long)]
    watch: bool,
}

#[derive(Args)]
pub struct RollbackFlags {
    pipeline: String,
    stage: String,
    /// The execution whose result is wanted back [default: the last but one that succeeded in the stage]
    #[arg(long, value_name = "EXECUTION")]
    to: Option<String>,
    /// Follow the rollback to its end
    #[arg(short, long)]
    watch: bool,
}

#[derive(Args)]
pub struct StopFlags {
    pipeline: String,
    /// The execution's id [default: the newest]
    execution: Option<String>,
    /// Do not wait for the actions that run
    #[arg(long)]
    abandon: bool,
    /// Why; it is kept with the execution
    #[arg(long)]
    reason: Option<String>,
}

pub(super) async fn retry(client: &Client, flags: &RetryFlags) -> Result<ExitCode, CliError> {
    let (stage, id) = to_retry(client, flags).await?;
    let mode = if flags.all_actions { "ALL_ACTIONS" } else { "FAILED_ACTIONS" };
    let ask = json!({
        "pipelineName": flags.pipeline, "stageName": stage, "pipelineExecutionId": id, "retryMode": mode,
    });
    client.call("codepipeline", "RetryStageExecution", ask).await?;
    then(client, &flags.pipeline, &id, flags.watch).await
}

/// Whether a status is one that a retry goes on from.
fn has_failed(status: &Value) -> bool {
    matches!(status.as_str(), Some("Failed" | "Stopped"))
}

/// The stage, and the execution that failed or was stopped in it.
async fn to_retry(client: &Client, flags: &RetryFlags) -> Result<(String, String), CliError> {
    let pipeline = &flags.pipeline;
    let stages = seen::stages(client, pipeline).await?;
    let id_in = |s: &Value| text(&s["latestExecution"]["pipelineExecutionId"]);
    let Some(name) = &flags.stage else {
        let id = seen::or_newest(client, pipeline, flags.execution.as_ref()).await?;
        let is_it = |s: &&Value| has_failed(&s["latestExecution"]["status"]) && id_in(s) == id;
        if let Some(stage) = stages.iter().find(is_it) {
            return Ok((text(&stage["stageName"]), id));
        }
        // In mode PARALLEL the stages know no executions.
        let failed = has_failed(&seen::execution(client, pipeline, &id).await?["status"]);
        let stage = if failed { seen::last_stage(client, pipeline, &stages, &id).await? } else { None };
        return stage.map(|stage| (stage, id)).ok_or_else(|| match &flags.execution {
            Some(id) => CliError::user(format!(
                "the execution {id} has not failed and was not stopped in a stage of the pipeline"
            )),
            None => CliError::user(format!(
                "the newest execution of pipeline {pipeline} has not failed and was not stopped in a stage"
            ))
            .hint("name the stage to retry what failed in it last, or the execution with --execution"),
        });
    };
    let Some(stage) = stages.iter().find(|s| text(&s["stageName"]) == *name) else {
        return Err(CliError::user(format!("pipeline {pipeline} has no stage {name}")));
    };
    if let Some(id) = &flags.execution {
        return Ok((name.clone(), id.clone()));
    }
    match id_in(stage) {
        id if !id.is_empty() => Ok((name.clone(), id)),
        _ => match failed_in(client, pipeline, &stages, name).await? {
            Some(id) => Ok((name.clone(), id)),
            None => Err(CliError::user(format!("no execution has failed or was stopped in stage {name}"))
                .hint("name one with --execution; `headworks pipeline history` lists them")),
        },
    }
}

/// The newest execution that failed or was stopped in a stage, among the last hundred.
async fn failed_in(client: &Client, pipeline: &str, stages: &[Value], stage: &str) -> Result<Option<String>, CliError> {
    for execution in seen::executions(client, pipeline, 100).await? {
        let id = text(&execution["pipelineExecutionId"]);
        if has_failed(&execution["status"])
            && seen::last_stage(client, pipeline, stages, &id).await?.as_deref() == Some(stage)
        {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

pub(super) async fn rollback(client: &Client, flags: &RollbackFlags) -> Result<ExitCode, CliError> {
    let target = match &flags.to {
        Some(id) => id.clone(),
        None => last_but_one(client, flags).await?,
    };
    let ask = json!({
        "pipelineName": flags.pipeline, "stageName": flags.stage, "targetPipelineExecutionId": target,
    });
    let answer = client.call("codepipeline", "RollbackStage", ask).await?;
    then(client, &flags.pipeline, &text(&answer["pipelineExecutionId"]), flags.watch).await
}

async fn last_but_one(client: &Client, flags: &RollbackFlags) -> Result<String, CliError> {
    let filter = json!({ "succeededInStage": { "stageName": flags.stage } });
    let ask = json!({ "pipelineName": flags.pipeline, "filter": filter });
    let page = client.call("codepipeline", "ListPipelineExecutions", ask).await?;
    let standard = |e: &&Value| text(&e["executionType"]) != "ROLLBACK";
    match list(&page["pipelineExecutionSummaries"]).iter().filter(standard).nth(1) {
        Some(execution) => Ok(text(&execution["pipelineExecutionId"])),
        None => Err(CliError::user(format!("stage {} has not succeeded twice", flags.stage))
            .hint("name the execution to go back to with --to")),
    }
}

pub(super) async fn stop(client: &Client, flags: &StopFlags) -> Result<ExitCode, CliError> {
    let id = seen::or_newest(client, &flags.pipeline, flags.execution.as_ref()).await?;
    let mut ask = json!({ "pipelineName": flags.pipeline, "pipelineExecutionId": id, "abandon": flags.abandon });
    if let Some(reason) = &flags.reason {
        ask["reason"] = json!(reason);
    }
    client.call("codepipeline", "StopPipelineExecution", ask).await?;
    then(client, &flags.pipeline, &id, false).await
}

async fn then(client: &Client, pipeline: &str, id: &str, watched: bool) -> Result<ExitCode, CliError> {
    say(id);
    match watched {
        true => watch::follow(client, pipeline, id, false, Output::Text).await,
        false => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stopped_can_be_retried_as_what_failed() {
        for (status, expected) in [("Failed", true), ("Stopped", true), ("Stopping", false), ("Succeeded", false)] {
            assert_eq!(has_failed(&json!(status)), expected, "{status}");
        }
        assert!(!has_failed(&Value::Null));
    }
}
