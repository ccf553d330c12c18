//! What happens, and approvals at the terminal.

use std::collections::BTreeMap;
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use devtools::codepipeline;
use engine::pipeline::{ActionRun, ActionStatus, Ended, Execution, ExecutionState, Phase, StageStatus};
use platform::Cx;
use serde_json::json;
use store::machine;

use super::super::follow::Following;
use super::super::interrupt::Interrupts;
use super::super::project::{input, refused};
use super::super::show::Show;
use crate::cli::CliError;

const PAUSE: Duration = Duration::from_millis(10);

/// How approvals are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Approvals {
    /// All of them are given.
    Given,
    Asked,
}

/// Follows the execution to its end.
pub(super) async fn follow(
    cx: &Cx,
    id: &str,
    approvals: Approvals,
    show: &Show,
    interrupts: &Interrupts,
) -> Result<ExecutionState, CliError> {
    let mut seen = Seen::default();
    let mut stopped = false;
    loop {
        let state = state(cx, id).await?;
        let at_rest = seen.look(cx, &state, show).await?;
        if state.is_ended() && at_rest {
            return Ok(state);
        }
        if !stopped && let Some((stage, action)) = waiting(&state) {
            let (stage, action) = (stage.to_owned(), action.clone());
            let decided = tokio::select! {
                () = interrupts.reach(1) => None,
                decided = decide(&stage, &action, approvals) => Some(decided?),
            };
            if let Some(approved) = decided {
                put(cx, &state, &stage, &action, approved).await?;
            }
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = interrupts.reach(1), if !stopped => {
                stopped = true;
                show.note("stopping the execution; once more ends it at once");
                let ask = json!({ "pipelineName": state.definition.name, "pipelineExecutionId": id, "abandon": true });
                // It may have ended in this moment.
                let _ = codepipeline::stop_pipeline_execution(cx, input(ask).map_err(refused)?).await;
            }
        }
    }
}

async fn state(cx: &Cx, id: &str) -> Result<ExecutionState, CliError> {
    let mut tx = cx.store.read().await.map_err(CliError::environment)?;
    match machine::get::<Execution>(&mut tx, id).await.map_err(CliError::environment)? {
        Some(row) => Ok(row.state),
        None => Err(CliError::internal(format!("the execution {id} is gone"))),
    }
}

/// What was shown so far.
#[derive(Default)]
struct Seen {
    /// The last status of each stage, in the order in which they were entered.
    stages: Vec<StageStatus>,
    /// The last status of each action, by its id.
    actions: BTreeMap<String, &'static str>,
    builds: BTreeMap<String, Following>,
}

impl Seen {
    /// True when nothing more is to come of any build.
    async fn look(&mut self, cx: &Cx, state: &ExecutionState, show: &Show) -> Result<bool, CliError> {
        let mut at_rest = true;
        for (n, stage) in state.stages.iter().enumerate() {
            if n == self.stages.len() {
                show.stage(&stage.name, StageStatus::InProgress.as_str());
                self.stages.push(StageStatus::InProgress);
            }
            for run in &stage.actions {
                at_rest &= self.action(cx, &stage.name, run, show).await?;
            }
            if let Some(shown) = self.stages.get_mut(n).filter(|shown| **shown != stage.status) {
                show.stage(&stage.name, stage.status.as_str());
                *shown = stage.status;
            }
        }
        Ok(at_rest)
    }

    async fn action(&mut self, cx: &Cx, stage: &str, run: &ActionRun, show: &Show) -> Result<bool, CliError> {
        let mut at_rest = true;
        let name = format!("{stage}/{}", run.name);
        let status = run.status.as_str();
        if !self.actions.contains_key(&run.id) {
            show.action(&name, "Started", "");
            self.actions.insert(run.id.clone(), "InProgress");
        }
        // The log of a build, before the end of its action.
        if let Some(build) = run.external.id.as_ref().filter(|id| id.contains(':')) {
            let following = self.builds.entry(build.clone()).or_insert_with(|| Following::of(build, Some(&name)));
            let look = following.look(cx, show).await?;
            at_rest = look.is_none_or(|look| look.at_rest && !look.moved);
        }
        if self.actions.get(&run.id) != Some(&status) {
            show.action(&name, status, &more(run));
            self.actions.insert(run.id.clone(), status);
        }
        Ok(at_rest)
    }
}

fn more(run: &ActionRun) -> String {
    let took = run.updated.since(run.started).as_secs_f64();
    match &run.status {
        ActionStatus::Failed(error) => format!(" in {took:.2} s: {}", error.message),
        ActionStatus::Succeeded { .. } | ActionStatus::Abandoned => format!(" in {took:.2} s"),
        ActionStatus::Working | ActionStatus::AwaitingApproval { .. } => String::new(),
    }
}

fn waiting(state: &ExecutionState) -> Option<(&str, &ActionRun)> {
    if !matches!(state.phase, Phase::Running { .. }) {
        return None;
    }
    let stage = state.stages.last()?;
    let waits = |a: &&ActionRun| matches!(a.status, ActionStatus::AwaitingApproval { .. });
    stage.actions.iter().find(waits).map(|action| (stage.name.as_str(), action))
}

async fn decide(stage: &str, action: &ActionRun, approvals: Approvals) -> Result<bool, CliError> {
    if approvals == Approvals::Given {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(CliError::user(format!("{stage}/{} waits for an approval, and nobody can be asked", action.name))
            .hint("--approve gives every approval"));
    }
    let about = action.resolved.get("CustomData");
    let about = about.map(|text| format!(" ({})", text.replace(char::is_control, " "))).unwrap_or_default();
    let question = format!("   approve {stage}/{}{about}? [y/N] ", action.name);
    let answer = tokio::task::spawn_blocking(move || {
        eprint!("{question}");
        let _ = std::io::stderr().flush();
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    let line = answer.await.map_err(CliError::internal)?.map_err(CliError::environment)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

async fn put(cx: &Cx, state: &ExecutionState, stage: &str, action: &ActionRun, approved: bool) -> Result<(), CliError> {
    let ActionStatus::AwaitingApproval { token } = &action.status else { return Ok(()) };
    let status = if approved { "Approved" } else { "Rejected" };
    // Whoever sits here has seen what he runs.
    let summary = action.resolved.get("HeadworksRevision").map(String::as_str).unwrap_or_default();
    let ask = json!({
        "pipelineName": state.definition.name, "stageName": stage, "actionName": action.name, "token": token,
        "result": { "status": status, "summary": summary },
    });
    codepipeline::put_approval_result(cx, input(ask).map_err(refused)?).await.map_err(refused).map(drop)
}

/// Whether the execution did all that it was to do.
pub(super) fn is_success(state: &ExecutionState) -> bool {
    matches!(state.phase, Phase::Ended(Ended::Succeeded))
}
