//! `headworks pipeline approve`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::seen;
use crate::answers::{list, plain, text};
use crate::cli::{CliError, say};
use crate::client::Client;

#[derive(Args)]
pub struct Flags {
    pipeline: String,
    /// Which one, as STAGE/ACTION [default: the only one that waits]
    approval: Option<String>,
    /// Of this execution; in mode PARALLEL only so
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// Reject it instead
    #[arg(long)]
    reject: bool,
    /// Why; it is kept with the approval
    #[arg(long, default_value = "")]
    summary: String,
}

/// An approval that waits.
struct Waiting {
    stage: String,
    action: String,
    token: String,
}

pub(super) async fn run(client: &Client, flags: &Flags) -> Result<ExitCode, CliError> {
    let waiting = chosen(waiting(client, flags).await?, flags)?;
    let status = if flags.reject { "Rejected" } else { "Approved" };
    let ask = json!({
        "pipelineName": flags.pipeline, "stageName": waiting.stage, "actionName": waiting.action, "token": waiting.token,
        "result": { "status": status, "summary": flags.summary },
    });
    client.call("codepipeline", "PutApprovalResult", ask).await?;
    say(format_args!("{}/{}: {status}", waiting.stage, waiting.action));
    Ok(ExitCode::SUCCESS)
}

async fn waiting(client: &Client, flags: &Flags) -> Result<Vec<Waiting>, CliError> {
    let of_execution = flags.execution.as_deref();
    if let Some(execution) = of_execution {
        let found = in_parallel(client, &flags.pipeline, execution).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let is_meant =
        |stage: &&Value| of_execution.is_none_or(|id| text(&stage["latestExecution"]["pipelineExecutionId"]) == id);
    let stages = seen::stages(client, &flags.pipeline).await?;
    Ok(stages.iter().filter(is_meant).flat_map(in_stage).collect())
}

/// In mode PARALLEL the pipeline's state shows no tokens: the external execution id of an approval is its token.
async fn in_parallel(client: &Client, pipeline: &str, execution: &str) -> Result<Vec<Waiting>, CliError> {
    let waiting = |action: &Value| {
        let is_approval = text(&action["input"]["actionTypeId"]["category"]) == "Approval";
        let token = action["output"]["executionResult"]["externalExecutionId"].as_str();
        let token = token.filter(|_| is_approval && text(&action["status"]) == "InProgress")?.to_owned();
        Some(Waiting { stage: plain(&action["stageName"]), action: plain(&action["actionName"]), token })
    };
    Ok(seen::actions(client, pipeline, execution).await?.iter().filter_map(waiting).collect())
}

fn in_stage(stage: &Value) -> Vec<Waiting> {
    let waiting = |action: &Value| {
        let latest = &action["latestExecution"];
        let token = latest["token"].as_str().filter(|_| text(&latest["status"]) == "InProgress")?.to_owned();
        Some(Waiting { stage: plain(&stage["stageName"]), action: plain(&action["actionName"]), token })
    };
    list(&stage["actionStates"]).iter().filter_map(waiting).collect()
}

fn chosen(waiting: Vec<Waiting>, flags: &Flags) -> Result<Waiting, CliError> {
    let names: Vec<String> = waiting.iter().map(|w| format!("{}/{}", w.stage, w.action)).collect();
    let is_meant = |name: &str| flags.approval.as_deref().is_none_or(|given| given == name);
    let mut meant: Vec<Waiting> =
        waiting.into_iter().zip(&names).filter(|(_, name)| is_meant(name)).map(|(w, _)| w).collect();
    match (meant.pop(), meant.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => {
            Err(CliError::user("several approvals wait").hint(format!("name one: {}", names.join(", "))))
        }
        (None, _) if names.is_empty() => Err(CliError::user("no approval waits")),
        (None, _) => {
            Err(CliError::user("this approval does not wait").hint(format!("what waits: {}", names.join(", "))))
        }
    }
}
