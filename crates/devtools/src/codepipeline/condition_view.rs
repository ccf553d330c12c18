//! What GetPipelineState shows of a stage's conditions.

use base::Timestamp;
use engine::pipeline::{ConditionRun, ConditionStatus, RuleRun, StageRun};
use formats::pipeline::{Condition, ConditionKind, StageDeclaration};
use serde::Serialize;

use super::view::{self, ErrorDetails};

/// The condition of a stage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageConditionState {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_execution: Option<StageConditionsExecution>,
    pub condition_states: Vec<ConditionState>,
}

/// How all conditions of a kind stand.
#[derive(Debug, Serialize)]
pub struct StageConditionsExecution {
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// One condition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionState {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_execution: Option<ConditionExecution>,
    pub rule_states: Vec<RuleState>,
}

/// How it stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionExecution {
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    pub last_status_change: Timestamp,
}

/// One rule.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleState {
    pub rule_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latest_execution: Option<RuleExecution>,
}

/// How a rule stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleExecution {
    pub rule_execution_id: String,
    pub status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    pub last_status_change: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_execution_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_execution_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_details: Option<ErrorDetails>,
}

/// The condition of a kind, if the stage declares one, as it stands in the latest run of the stage.
pub(super) fn state(
    declared: &StageDeclaration,
    kind: ConditionKind,
    run: Option<&StageRun>,
) -> Option<StageConditionState> {
    let condition = declared.condition(kind)?;
    let run = run.and_then(|r| r.condition(kind));
    let summary = run.and_then(summary);
    Some(StageConditionState {
        latest_execution: run.map(|r| StageConditionsExecution { status: r.status.as_str(), summary: summary.clone() }),
        condition_states: vec![ConditionState {
            latest_execution: run.map(|r| ConditionExecution {
                status: r.status.as_str(),
                summary,
                last_status_change: r.updated,
            }),
            rule_states: rules(condition, run),
        }],
    })
}

fn rules(condition: &Condition, run: Option<&ConditionRun>) -> Vec<RuleState> {
    let of = |name: &str| run.and_then(|r| r.rules.iter().find(|rule| rule.name == name)).map(execution);
    let state = |name: &String| RuleState { rule_name: name.clone(), latest_execution: of(name) };
    condition.rules.iter().map(|r| state(&r.name)).collect()
}

fn execution(run: &RuleRun) -> RuleExecution {
    RuleExecution {
        rule_execution_id: run.id.clone(),
        status: run.status.as_str(),
        summary: run.external.summary.clone(),
        last_status_change: run.updated,
        external_execution_id: run.external.id.clone(),
        external_execution_url: run.external.url.clone(),
        error_details: view::rule_error(&run.status),
    }
}

fn summary(run: &ConditionRun) -> Option<String> {
    match &run.status {
        ConditionStatus::Overridden { by } => Some(format!("Overridden by {by}")),
        ConditionStatus::Failed | ConditionStatus::Errored => {
            run.rules.iter().find_map(|r| view::rule_error(&r.status)).map(|e| e.message)
        }
        ConditionStatus::InProgress | ConditionStatus::Succeeded | ConditionStatus::Abandoned => None,
    }
}
