//! `headworks pipeline approve`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Args;
use engine::pipeline::names_revision;
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
    /// What you have looked at, when the approval must name a revision; without it you are asked
    #[arg(long, value_name = "REVISION", conflicts_with = "reject")]
    revision: Option<String>,
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
    let summary = match (&revision, &flags.revision) {
        (Some(revision), given) => {
            let asks = named(&flags.summary, given.as_deref(), revision)?;
            if asks && !agrees(&waiting, revision).await? {
                return Err(CliError::user("nothing was decided"));
            }
            match names_revision(&flags.summary, revision) {
                true => flags.summary.clone(),
                false => format!("{} {revision}", flags.summary).trim().to_owned(),
            }
        }
        (None, Some(_)) => {
            return Err(CliError::user("this approval names no revision").hint("approve it without --revision"));
        }
        (None, None) => flags.summary.clone(),
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

/// Whether it has still to be asked if the revision is the one that is meant.
fn named(summary: &str, given: Option<&str>, revision: &str) -> Result<bool, CliError> {
    match given {
        Some(given) if given == revision => Ok(false),
        Some(given) => Err(CliError::user(format!("the approval is for revision {revision}, not {given}"))
            .hint("look at what it brings, and name it with --revision")),
        None => Ok(!names_revision(summary, revision)),
    }
}

/// Asks whoever sits here.
async fn agrees(waiting: &Waiting, revision: &str) -> Result<bool, CliError> {
    if !std::io::stdin().is_terminal() {
        let what = format!("the approval is for revision {revision}, and must name it");
        return Err(CliError::user(what).hint(format!("--revision {revision} does")));
    }
    let shown = revision.replace(char::is_control, " ");
    let question = format!("approve {}/{} for revision {shown}? [y/N] ", waiting.stage, waiting.action);
    let answer = tokio::task::spawn_blocking(move || {
        eprint!("{question}");
        let _ = std::io::stderr().flush();
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = answer.await.map_err(CliError::internal)?.map_err(CliError::environment)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_not_named_for_whoever_has_not_named_it() {
        assert!(named("", None, "1.2").unwrap());
        assert!(named("looks good, 1.2.3", None, "1.2").unwrap());
        assert!(!named("looks good, 1.2", None, "1.2").unwrap());
        assert!(!named("looks good", Some("1.2"), "1.2").unwrap());
        assert!(named("looks good", Some("1.2.3"), "1.2").is_err());
        assert!(named("1.2", Some("1.1"), "1.2").is_err());
    }
}
