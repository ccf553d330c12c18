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
    /// Why; it is kept with the approval. A revision that the approval must name is added
    #[arg(long, default_value = "")]
    summary: String,
}

/// An approval that waits.
struct Waiting {
    execution: String,
    stage: String,
    action: String,
    token: String,
}

pub(super) async fn run(client: &Client, flags: &Flags) -> Result<ExitCode, CliError> {
    let waiting = chosen(waiting(client, flags).await?, flags)?;
    let status = if flags.reject { "Rejected" } else { "Approved" };
    let revision = match flags.reject {
        true => None,
        false => revision(client, flags, &waiting).await?,
    };
    let summary = match &revision {
        Some(revision) if !flags.summary.contains(revision.as_str()) => {
            format!("{} {revision}", flags.summary).trim().to_owned()
        }
        Some(_) | None => flags.summary.clone(),
    };
    let ask = json!({
        "pipelineName": flags.pipeline, "stageName": waiting.stage, "actionName": waiting.action, "token": waiting.token,
        "result": { "status": status, "summary": summary },
    });
    client.call("codepipeline", "PutApprovalResult", ask).await?;
    let of = revision.map(|revision| format!(" for revision {revision}")).unwrap_or_default();
    say(format_args!("{}/{}: {status}{of}", waiting.stage, waiting.action));
    if let Some(action) = action(client, flags, &waiting).await?.filter(|a| text(&a["status"]) == "InProgress") {
        let summary = plain(&action["output"]["executionResult"]["externalExecutionSummary"]);
        summary.lines().take(1).for_each(|line| say(format_args!("{line}; it waits for others")));
    }
    Ok(ExitCode::SUCCESS)
}

/// The revision that approvals must name, when the pipeline asks for that.
async fn revision(client: &Client, flags: &Flags, waiting: &Waiting) -> Result<Option<String>, CliError> {
    let action = action(client, flags, waiting).await?.unwrap_or_default();
    let revision = action["input"]["resolvedConfiguration"]["HeadworksRevision"].as_str();
    Ok(revision.map(|text| text.trim().to_owned()))
}

/// The newest run of the approval, as ListActionExecutions shows it.
async fn action(client: &Client, flags: &Flags, waiting: &Waiting) -> Result<Option<Value>, CliError> {
    let all = seen::actions(client, &flags.pipeline, &waiting.execution).await?;
    let is_it = |a: &&Value| plain(&a["stageName"]) == waiting.stage && plain(&a["actionName"]) == waiting.action;
    Ok(all.iter().rev().find(is_it).cloned())
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
        let (stage, action) = (plain(&action["stageName"]), plain(&action["actionName"]));
        Some(Waiting { execution: execution.to_owned(), stage, action, token })
    };
    Ok(seen::actions(client, pipeline, execution).await?.iter().filter_map(waiting).collect())
}

fn in_stage(stage: &Value) -> Vec<Waiting> {
    let waiting = |action: &Value| {
        let latest = &action["latestExecution"];
        let token = latest["token"].as_str().filter(|_| text(&latest["status"]) == "InProgress")?.to_owned();
        let execution = plain(&stage["latestExecution"]["pipelineExecutionId"]);
        Some(Waiting { execution, stage: plain(&stage["stageName"]), action: plain(&action["actionName"]), token })
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
