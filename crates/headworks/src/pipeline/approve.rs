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

/// How many executions are looked at for approvals, the newest first.
const LOOKED_AT: usize = 1000;

#[derive(Args)]
pub struct Flags {
    pipeline: String,
    /// Which one, as STAGE/ACTION [default: the only one that waits]
    approval: Option<String>,
    /// Of this execution; without it any that waits, if it is the only one
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
    let found: Vec<Waiting> = stages.iter().filter(is_meant).flat_map(in_stage).collect();
    match of_execution {
        None if found.is_empty() => of_any(client, &flags.pipeline).await,
        _ => Ok(found),
    }
}

/// Whether approvals may wait in an execution of this status: one that is being stopped waits for what has begun.
fn is_under_way(status: &Value) -> bool {
    matches!(status.as_str(), Some("InProgress" | "Stopping"))
}

/// Those of all executions under way.
async fn of_any(client: &Client, pipeline: &str) -> Result<Vec<Waiting>, CliError> {
    let mut all = Vec::new();
    for execution in seen::executions(client, pipeline, LOOKED_AT).await? {
        if is_under_way(&execution["status"]) {
            all.extend(in_parallel(client, pipeline, &text(&execution["pipelineExecutionId"])).await?);
        }
    }
    Ok(all)
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
    let first = waiting.first().map(|w| w.execution.clone());
    // Executions side by side wait at the same approval: then the name alone says nothing.
    let by_execution = waiting.iter().any(|w| first.as_ref() != Some(&w.execution)) && flags.execution.is_none();
    let shown = |w: &Waiting| match by_execution {
        true => format!("{}/{} of --execution {}", w.stage, w.action, w.execution),
        false => format!("{}/{}", w.stage, w.action),
    };
    let names = |all: &[Waiting]| all.iter().map(shown).collect::<Vec<_>>().join(", ");
    let is_meant =
        |w: &Waiting| flags.approval.as_deref().is_none_or(|given| given == format!("{}/{}", w.stage, w.action));
    let (mut meant, others): (Vec<Waiting>, Vec<Waiting>) = waiting.into_iter().partition(is_meant);
    match (meant.pop(), meant.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(last), false) => {
            meant.push(last);
            Err(CliError::user("several approvals wait").hint(format!("name one: {}", names(&meant))))
        }
        (None, _) if others.is_empty() => Err(CliError::user("no approval waits")),
        (None, _) => Err(CliError::user("this approval does not wait").hint(format!("what waits: {}", names(&others)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(approval: Option<&str>, waiting: &[(&str, &str)]) -> Result<String, String> {
        let flags = Flags {
            pipeline: "p".to_owned(),
            approval: approval.map(str::to_owned),
            execution: None,
            reject: false,
            summary: String::new(),
            revision: None,
        };
        let one = |(execution, action): &(&str, &str)| Waiting {
            execution: (*execution).to_owned(),
            stage: "S".to_owned(),
            action: (*action).to_owned(),
            token: format!("{execution}/{action}"),
        };
        let found = chosen(waiting.iter().map(one).collect(), &flags);
        found.map(|w| w.token).map_err(|e| format!("{e:?}"))
    }

    #[test]
    fn the_only_approval_that_waits_is_meant_and_of_several_the_named_one() {
        assert_eq!(asked(None, &[("1", "A")]), Ok("1/A".to_owned()));
        assert_eq!(asked(Some("S/B"), &[("1", "A"), ("1", "B")]), Ok("1/B".to_owned()));
        assert!(asked(None, &[]).unwrap_err().contains("no approval waits"));
        assert!(asked(None, &[("1", "A"), ("1", "B")]).unwrap_err().contains("\"name one: S/A, S/B\""));
        assert!(asked(Some("S/C"), &[("1", "A")]).unwrap_err().contains("\"what waits: S/A\""));
    }

    #[test]
    fn the_same_approval_of_several_executions_is_named_with_its_execution() {
        let several = "name one: S/A of --execution 2, S/A of --execution 1";
        assert!(asked(None, &[("2", "A"), ("1", "A")]).unwrap_err().contains(several));
        assert!(asked(Some("S/A"), &[("2", "A"), ("1", "A")]).unwrap_err().contains(several));
        assert_eq!(asked(Some("S/B"), &[("2", "A"), ("1", "B")]), Ok("1/B".to_owned()));
    }

    #[test]
    fn an_execution_that_is_being_stopped_may_still_wait_for_approvals() {
        for (status, expected) in [("InProgress", true), ("Stopping", true), ("Stopped", false), ("Succeeded", false)] {
            assert_eq!(is_under_way(&serde_json::json!(status)), expected, "{status}");
        }
    }

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
