//! What a notice says: the event, and beside it what the rule's detail type adds (Developer Tools console User Guide, "Detail
//! types"; CodePipeline User Guide, "Monitoring CodePipeline events", where the processed events are).

use base::Timestamp;
use engine::pipeline::{ActionRun, ActionStatus, ExecutionState, StageRun, StageStatus};
use serde_json::{Map, Value, json};
use store::events::EventRow;

/// The message of a rule, by its ARN.
pub(super) fn message(event: &EventRow, rule: &str, attributes: Map<String, Value>) -> Value {
    json!({
        "account": event.scope.account,
        "detailType": event.event.detail_type,
        "region": event.scope.region,
        "source": event.event.source,
        "time": event.time.format("%Y-%m-%dT%H:%M:%SZ"),
        "notificationRuleArn": rule,
        "detail": event.event.detail,
        "resources": event.event.resources,
        "additionalAttributes": attributes,
    })
}

/// The execution that an event of a pipeline is about.
pub(super) fn execution(event: &EventRow) -> Option<&str> {
    (event.event.source == "aws.codepipeline").then_some(())?;
    event.event.detail.get("execution-id")?.as_str()
}

/// Whether the detail type FULL may add something.
pub(super) fn has_attributes(event: &EventRow) -> bool {
    let text = |pointer: &str| event.event.detail.pointer(pointer).and_then(Value::as_str);
    match (text("/stage"), text("/action"), text("/state").unwrap_or_default()) {
        (_, _, "FAILED") | (Some(_), None, "STARTED") => true,
        (Some(_), Some(_), "STARTED") => text("/type/category") == Some("Approval"),
        _ => false,
    }
}

/// What the detail type FULL adds: which actions have failed and why, what an approval is to know, what the sources were.
pub(super) fn attributes(event: &EventRow, state: &ExecutionState) -> Map<String, Value> {
    let detail = &event.event.detail;
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    let is_approval = detail.pointer("/type/category").and_then(Value::as_str) == Some("Approval");
    match (text("stage"), text("action"), text("state").unwrap_or_default()) {
        (None, None, "FAILED") => match failed_stage(state, None, event.time) {
            Some(stage) => {
                let mut failed = failures(stage);
                failed.insert("failedStage".to_owned(), json!(stage.name));
                failed
            }
            None => Map::new(),
        },
        (Some(stage), None, "FAILED") => failed_stage(state, Some(stage), event.time).map(failures).unwrap_or_default(),
        (Some(_), Some(_), "FAILED") => {
            text("action-execution-id").and_then(|id| run(state, id)).map(failed_action).unwrap_or_default()
        }
        (Some(_), None, "STARTED") => sources(state),
        (Some(_), Some(_), "STARTED") if is_approval => {
            text("action-execution-id").and_then(|id| run(state, id)).map(approval).unwrap_or_default()
        }
        _ => Map::new(),
    }
}

/// The run of an action, by the id that clients see.
pub(super) fn run<'a>(state: &'a ExecutionState, id: &str) -> Option<&'a ActionRun> {
    state.stages.iter().rev().flat_map(|stage| &stage.actions).find(|run| run.id == id)
}

/// The attempt at a stage that had failed by then: it may have been tried again since.
fn failed_stage<'a>(state: &'a ExecutionState, name: Option<&str>, at: Timestamp) -> Option<&'a StageRun> {
    let had_failed = |stage: &&StageRun| {
        stage.status == StageStatus::Failed && stage.updated <= at && name.is_none_or(|name| stage.name == name)
    };
    state.stages.iter().rev().map(|stage| &**stage).find(had_failed)
}

fn failures(stage: &StageRun) -> Map<String, Value> {
    let failed: Vec<Value> = stage.actions.iter().filter_map(failure).collect();
    let mut attributes = Map::new();
    attributes.insert("failedActionCount".to_owned(), json!(failed.len()));
    attributes.insert("failedActions".to_owned(), Value::Array(failed));
    attributes
}

fn failed_action(run: &ActionRun) -> Map<String, Value> {
    let why = why(run).filter(|why| !why.is_empty());
    why.map(|why| ("additionalInformation".to_owned(), json!(why))).into_iter().collect()
}

fn failure(run: &ActionRun) -> Option<Value> {
    why(run).map(|why| json!({"action": run.name, "additionalInformation": why}))
}

/// Why an action has failed, if it has.
fn why(run: &ActionRun) -> Option<&str> {
    match &run.status {
        ActionStatus::Failed(error) => {
            let said = Some(error.message.as_str()).filter(|message| !message.is_empty());
            Some(said.or(run.external.summary.as_deref()).unwrap_or_default())
        }
        ActionStatus::Working
        | ActionStatus::AwaitingApproval { .. }
        | ActionStatus::Succeeded { .. }
        | ActionStatus::Abandoned => None,
    }
}

fn approval(run: &ActionRun) -> Map<String, Value> {
    let mut attributes = Map::new();
    for (member, key) in [("externalEntityLink", "ExternalEntityLink"), ("customData", "CustomData")] {
        if let Some(value) = run.resolved.get(key) {
            attributes.insert(member.to_owned(), json!(value));
        }
    }
    attributes
}

fn sources(state: &ExecutionState) -> Map<String, Value> {
    let mut found = Vec::new();
    for action in state.definition.source_actions() {
        let runs = state.stages.iter().rev().filter_map(|stage| stage.action(&action.name));
        let variables = runs.filter_map(|run| match &run.status {
            ActionStatus::Succeeded { variables, .. } => Some(variables),
            ActionStatus::Working
            | ActionStatus::AwaitingApproval { .. }
            | ActionStatus::Failed(_)
            | ActionStatus::Abandoned => None,
        });
        for variables in variables.take(1) {
            found.push(json!({
                "sourceActionName": action.name,
                "sourceActionProvider": action.action_type_id.provider,
                "sourceActionVariables": variables,
            }));
        }
    }
    let mut attributes = Map::new();
    if !found.is_empty() {
        attributes.insert("sourceActions".to_owned(), Value::Array(found));
    }
    attributes
}
