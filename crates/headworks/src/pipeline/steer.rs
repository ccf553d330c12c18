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
    /// The stage [default: the one in which the newest execution failed]
    stage: Option<String>,
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
    let stages = seen::stages(client, &flags.pipeline).await?;
    let id_in = |s: &Value| text(&s["latestExecution"]["pipelineExecutionId"]);
    let stage = match &flags.stage {
        Some(name) => stages.iter().find(|s| text(&s["stageName"]) == *name),
        None => {
            let newest = seen::newest(client, &flags.pipeline).await?;
            let has_failed = |s: &&Value| text(&s["latestExecution"]["status"]) == "Failed" && id_in(s) == newest;
            stages.iter().find(has_failed)
        }
    };
    let Some(stage) = stage else {
        return Err(match &flags.stage {
            Some(name) => CliError::user(format!("pipeline {} has no stage {name}", flags.pipeline)),
            None => {
                CliError::user(format!("the newest execution of pipeline {} has not failed in a stage", flags.pipeline))
                    .hint("name the stage to retry what failed in it last")
            }
        });
    };
    let id = id_in(stage);
    let mode = if flags.all_actions { "ALL_ACTIONS" } else { "FAILED_ACTIONS" };
    let ask = json!({
        "pipelineName": flags.pipeline, "stageName": stage["stageName"], "pipelineExecutionId": id, "retryMode": mode,
    });
    client.call("codepipeline", "RetryStageExecution", ask).await?;
    then(client, &flags.pipeline, &id, flags.watch).await
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
