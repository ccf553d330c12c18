//! GetPipelineState: where the latest executions stand, stage by stage and action by action.
//!
//! A pipeline in mode PARALLEL has no state of its stages (User Guide, "Set or change the pipeline execution mode"): each of its
//! executions is in a stage of its own, and ListActionExecutions tells of them.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetPipelineState.html>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::{ApiError, Timestamp};
use engine::pipeline::{
    ActionRun, Begun, Execution, ExecutionState, Gate, GatesState, Mode, RetryTrigger, StageStatus,
};
use formats::pipeline::{ConditionKind, CustomActionType, StageDeclaration};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine;

use super::condition_view::{self, StageConditionState};
use super::view::{self, ActionState, StageExecution, TransitionState};
use super::{action_types, load};

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub pipeline_name: String,
    pub pipeline_version: u32,
    pub stage_states: Vec<StageState>,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// One stage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageState {
    pub stage_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_execution: Option<StageExecution>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inbound_executions: Vec<StageExecution>,
    pub inbound_transition_state: TransitionState,
    pub action_states: Vec<ActionState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_execution: Option<StageExecution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_entry_condition_state: Option<StageConditionState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_success_condition_state: Option<StageConditionState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure_condition_state: Option<StageConditionState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_stage_metadata: Option<RetryStageMetadata>,
}

/// How often a stage was tried again.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RetryStageMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_stage_retry_attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manual_stage_retry_attempt: Option<u32>,
    pub latest_retry_trigger: &'static str,
}

/// Reads a pipeline's state.
pub async fn get_pipeline_state(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope();
    let mut tx = cx.store.read().await?;
    let row = load::pipeline(&mut tx, scope, &input.name).await?;
    let declaration = load::declaration(&mut tx, scope, &row, None).await?;
    let gates = load::gates(&mut tx, scope, &row.name).await?;
    let gates = if gates.mode == Mode::Parallel { Arc::new(without_executions(&gates)) } else { gates };
    let mut executions: BTreeMap<String, Arc<ExecutionState>> = BTreeMap::new();
    let ids: BTreeSet<String> =
        gates.gates.iter().flat_map(|g| g.latest.iter().chain(g.last_ran.values())).cloned().collect();
    for id in ids {
        if let Some(state) = machine::state::<Execution>(&mut tx, &id).await? {
            executions.insert(id, state);
        }
    }
    let registered = action_types::registered(&mut tx, scope).await?;
    let no_room = cx.room().err();
    let state_of = |stage: &StageDeclaration| {
        let gate = gates.gate(&stage.name)?;
        Some(stage_state(stage, gate, &executions, (scope.region.as_str(), no_room.as_ref(), &registered[..])))
    };
    Ok(Output {
        stage_states: declaration.stages.iter().filter_map(state_of).collect(),
        pipeline_name: row.name,
        pipeline_version: row.version,
        created: row.created,
        updated: row.updated,
    })
}

fn without_executions(gates: &GatesState) -> GatesState {
    let empty = |gate: &Gate| Gate { latest: None, last_ran: BTreeMap::new(), waiting: Vec::new(), ..gate.clone() };
    GatesState { gates: gates.gates.iter().map(empty).collect(), ..gates.clone() }
}

fn stage_state(
    stage: &StageDeclaration,
    gate: &Gate,
    executions: &BTreeMap<String, Arc<ExecutionState>>,
    (region, no_room, registered): (&str, Option<&ApiError>, &[CustomActionType]),
) -> StageState {
    let of = |id: &String| executions.get(id).map(|state| &**state);
    let latest = gate.latest.as_ref().and_then(of);
    let latest_execution = latest.map(|state| {
        let status = state.stage(&stage.name).map_or(StageStatus::InProgress, |s| s.status);
        place(&state.id, status.as_str(), state.kind.as_str())
    });
    let inbound: Vec<StageExecution> = gate.waiting.iter().map(|id| place(id, "InProgress", "STANDARD")).collect();
    let action_states = stage.actions.iter().flat_map(|action| {
        // The latest execution in the stage, or, as long as it has not come to this action, the one that ran it last.
        let earlier = gate.last_ran.get(&action.name).and_then(of);
        let runs = |state: &'_ &ExecutionState| !state.latest_runs(&stage.name, action).is_empty();
        let state = [latest, earlier].into_iter().flatten().find(runs);
        let runs: Vec<_> = state
            .into_iter()
            .flat_map(|s| s.latest_runs(&stage.name, action).into_iter().map(move |r| (s, r)))
            .collect();
        let of = move |run: Option<(&ExecutionState, &ActionRun)>| {
            let state = view::waiting(view::action_state(action, region, run), action, no_room);
            view::of_worker(state, action, registered, run.map(|(_, run)| run))
        };
        // An action with a matrix has as many states as it has runs.
        match runs.is_empty() {
            true => vec![of(None)],
            false => runs.into_iter().map(|run| of(Some(run))).collect(),
        }
    });
    let run = latest.and_then(|state| state.stage(&stage.name));
    let condition = |kind| condition_view::state(stage, kind, run);
    StageState {
        before_entry_condition_state: condition(ConditionKind::BeforeEntry),
        on_success_condition_state: condition(ConditionKind::OnSuccess),
        on_failure_condition_state: condition(ConditionKind::OnFailure),
        stage_name: stage.name.clone(),
        inbound_execution: inbound.first().cloned(),
        inbound_executions: inbound,
        inbound_transition_state: view::transition(&gate.transition),
        action_states: action_states.collect(),
        latest_execution,
        retry_stage_metadata: latest.and_then(|state| retries(state, &stage.name)),
    }
}

fn retries(state: &ExecutionState, stage: &str) -> Option<RetryStageMetadata> {
    let latest = state.attempts(stage).rev().find_map(|run| match run.begun {
        Begun::Retried { trigger, .. } => Some(trigger),
        Begun::Entered => None,
    })?;
    let counted = |trigger| Some(state.retries(stage, trigger)).filter(|n| *n > 0);
    Some(RetryStageMetadata {
        auto_stage_retry_attempt: counted(RetryTrigger::AutomatedStageRetry),
        manual_stage_retry_attempt: counted(RetryTrigger::ManualStageRetry),
        latest_retry_trigger: latest.as_str(),
    })
}

fn place(id: &str, status: &'static str, execution_type: &'static str) -> StageExecution {
    StageExecution { pipeline_execution_id: id.to_owned(), status, execution_type }
}
