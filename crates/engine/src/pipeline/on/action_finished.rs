//! `ActionStarted`, `ActionFinished`, `ActionTimedOut`, `RuleDue`: what becomes of an action's work, or of the check of a rule.

use base::{Step, Timestamp};

use crate::pipeline::begin::timeout_of;
use crate::pipeline::draft::{Draft, failed};
use crate::pipeline::{
    ActionError, ActionResult, ActionRun, ActionStatus, Execution, ExecutionState, External, Phase, Refusal, Revision,
    RuleRun, RuleStatus, SourceRevision, condition,
};

pub(in crate::pipeline) fn action_started(
    state: &ExecutionState,
    key: String,
    external: External,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let mut draft = Draft::of(state, now);
    if current(state, &key).is_some_and(|run| matches!(run.status, ActionStatus::AwaitingApproval { .. })) {
        draft.note_notice(&key, external.summary);
        return Ok(draft.done());
    }
    if rule(state, &key).is_none() {
        working(state, &key)?;
    }
    draft.set_external(&key, external);
    Ok(draft.done())
}

pub(in crate::pipeline) fn action_finished(
    state: &ExecutionState,
    key: String,
    result: ActionResult,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let mut draft = Draft::of(state, now);
    if rule(state, &key).is_some() {
        match draft.is_window(&key) {
            // The timer of an earlier program, which has decided beforehand.
            true => draft.look_at_window(&key),
            false => rule_finished(&mut draft, &key, result),
        }
        draft.settle();
        return Ok(draft.done());
    }
    let run = working(state, &key)?;
    match result {
        ActionResult::Succeeded {
            external_execution_id: id,
            external_execution_url: url,
            summary,
            output_variables: variables,
            output_artifacts: outputs,
            revision,
        } => {
            if let Some(revision) = revision {
                note_source(&mut draft, run, revision);
            }
            let summary = match unused_key(state).filter(|_| !outputs.is_empty()) {
                Some(key) => Some(with_note(summary, key)),
                None => summary,
            };
            let status = ActionStatus::Succeeded { outputs, variables };
            draft.end_action(&key, status, External { id, url, summary, ..External::default() });
        }
        ActionResult::Failed { code, message, external_execution_id: id, external_execution_url: url, summary } => {
            draft.end_action(&key, failed(&code, message), External { id, url, summary, ..External::default() })
        }
    }
    draft.settle();
    Ok(draft.done())
}

pub(in crate::pipeline) fn action_timed_out(
    state: &ExecutionState,
    key: String,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    if rule(state, &key).is_some() {
        let minutes = state.declared_rule(&key).map(condition::timeout_of).unwrap_or_default().as_secs() / 60;
        let mut draft = Draft::of(state, now);
        draft.cancel_rule(&key);
        let message = format!("The rule was not checked within {minutes} minutes.");
        let error = ActionError { code: "JobTimedOut".to_owned(), message };
        draft.end_rule(&key, RuleStatus::Failed(error), External::default());
        draft.settle();
        return Ok(draft.done());
    }
    let run = current(state, &key).filter(|r| !r.is_ended()).ok_or(Refusal::NotWaitedFor { key: key.clone() })?;
    let stage = state.stages.last().map(|s| s.name.as_str()).unwrap_or_default();
    let declared = state.definition.stage(stage).and_then(|s| s.action(run.declared_name()));
    let minutes = declared.map(timeout_of).unwrap_or_default().as_secs() / 60;
    let message = match run.status {
        ActionStatus::AwaitingApproval { .. } => {
            format!("The approval was not given within {minutes} minutes.")
        }
        ActionStatus::Working | ActionStatus::Succeeded { .. } | ActionStatus::Failed(_) | ActionStatus::Abandoned => {
            format!("The action did not complete within {minutes} minutes.")
        }
    };
    let mut draft = Draft::of(state, now);
    draft.cancel_work(&key);
    draft.end_action(&key, failed("JobTimedOut", message), External::default());
    draft.settle();
    Ok(draft.done())
}

pub(in crate::pipeline) fn rule_due(
    state: &ExecutionState,
    key: String,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    if rule(state, &key).is_none() {
        return Err(Refusal::NotWaitedFor { key });
    }
    let mut draft = Draft::of(state, now);
    draft.look_at_window(&key);
    draft.settle();
    Ok(draft.done())
}

fn rule_finished(draft: &mut Draft, key: &str, result: ActionResult) {
    match result {
        ActionResult::Succeeded { external_execution_id: id, external_execution_url: url, summary, .. } => {
            draft.end_rule(key, RuleStatus::Succeeded, External { id, url, summary, ..External::default() });
        }
        ActionResult::Failed { code, message, external_execution_id: id, external_execution_url: url, summary } => {
            let status = RuleStatus::Failed(ActionError { code, message });
            draft.end_rule(key, status, External { id, url, summary, ..External::default() });
        }
    }
}

/// The rule under this key that is being checked.
fn rule<'a>(state: &'a ExecutionState, key: &str) -> Option<&'a RuleRun> {
    match state.phase {
        Phase::Running { .. } => state.stages.last()?.working_rule(key),
        Phase::New | Phase::Waiting { .. } | Phase::HandingOver { .. } | Phase::Ended(_) => None,
    }
}

pub(super) fn working<'a>(state: &'a ExecutionState, key: &str) -> Result<&'a ActionRun, Refusal> {
    current(state, key)
        .filter(|run| matches!(run.status, ActionStatus::Working))
        .ok_or_else(|| Refusal::NotWaitedFor { key: key.to_owned() })
}

fn current<'a>(state: &'a ExecutionState, key: &str) -> Option<&'a ActionRun> {
    match state.phase {
        Phase::Running { .. } => state.stages.last()?.actions.iter().find(|a| a.key == key),
        Phase::New | Phase::Waiting { .. } | Phase::HandingOver { .. } | Phase::Ended(_) => None,
    }
}

/// The key of the artifact store, which nothing is encrypted with.
fn unused_key(state: &ExecutionState) -> Option<&str> {
    let store = state.definition.store_in(state.scope.region.as_str())?;
    store.encryption_key.as_ref().map(|key| key.id.as_str())
}

fn with_note(summary: Option<String>, key: &str) -> String {
    let note = format!("The artifact is stored as it is: encryption key {key} is not used.");
    match summary {
        Some(summary) => format!("{summary}\n{note}"),
        None => note,
    }
}

fn note_source(draft: &mut Draft, run: &ActionRun, revision: Revision) {
    let artifact = draft
        .state
        .definition
        .source_actions()
        .find(|a| a.name == run.name)
        .and_then(|a| a.output_artifacts.first())
        .map(|o| o.name.clone())
        .unwrap_or_default();
    // A source that ran again, as a stage is retried, stands for what it fetched last.
    draft.state.source_revisions.retain(|earlier| earlier.action != run.name);
    draft.state.source_revisions.push(SourceRevision { action: run.name.clone(), artifact, revision });
}
