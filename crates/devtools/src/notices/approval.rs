//! The notice of a manual approval to the topic that its configuration names
//! (CodePipeline User Guide, "JSON data format for manual approval notifications in CodePipeline").

use engine::pipeline::{ActionRun, ActionStatus, Execution, ExecutionState, timeout_of};
use serde_json::{Value, json};
use store::events::EventRow;
use store::{Tx, machine};

use super::{Notice, ask};

/// Whether an event says that an approval begins to wait.
pub(super) fn concerns(event: &EventRow) -> bool {
    let text = |pointer: &str| event.event.detail.pointer(pointer).and_then(Value::as_str);
    event.event.source == "aws.codepipeline"
        && text("/type/category") == Some("Approval")
        && text("/state") == Some("STARTED")
}

/// Asks for the notice when an approval begins to wait.
pub(super) async fn on_event(tx: &mut Tx, event: &EventRow) -> Result<(), store::Error> {
    if !concerns(event) {
        return Ok(());
    }
    let text = |pointer: &str| event.event.detail.pointer(pointer).and_then(Value::as_str);
    let (Some(execution), Some(id)) = (text("/execution-id"), text("/action-execution-id")) else { return Ok(()) };
    let Some(state) = machine::state::<Execution>(tx, execution).await? else { return Ok(()) };
    let Some(notice) = notice(&state, id) else { return Ok(()) };
    ask(tx, event, "approval", &notice).await
}

/// None when it waits no more, or has no topic.
fn notice(state: &ExecutionState, id: &str) -> Option<Notice> {
    let stage = state.stages.last()?;
    let run = stage.actions.iter().find(|run| run.id == id)?;
    let topic = run.resolved.get("NotificationArn")?.clone();
    let ActionStatus::AwaitingApproval { token } = &run.status else { return None };
    let pipeline = &state.definition.name;
    let subject = format!("APPROVAL NEEDED: AWS CodePipeline {pipeline} for action {}", run.name);
    Some(Notice::Approval {
        execution: state.id.clone(),
        key: run.key.clone(),
        topic,
        // The longest that SNS takes.
        subject: subject.chars().take(100).collect(),
        message: message(state, &stage.name, run, token).to_string(),
    })
}

fn message(state: &ExecutionState, stage: &str, run: &ActionRun, token: &str) -> Value {
    let (pipeline, region) = (&state.definition.name, &state.scope.region);
    let link = format!("https://console.aws.amazon.com/codepipeline/home?region={region}#/view/{pipeline}");
    let declared = state.definition.stage(stage).and_then(|stage| stage.action(&run.name));
    let expires = declared.map(|action| (run.started + timeout_of(action)).format("%Y-%m-%dT%H:%MZ"));
    json!({
        "region": region,
        "consoleLink": link,
        "approval": {
            "pipelineName": pipeline,
            "stageName": stage,
            "actionName": run.name,
            "token": token,
            "expires": expires,
            "externalEntityLink": run.resolved.get("ExternalEntityLink"),
            "approvalReviewLink": format!("{link}/{stage}/{}/approve/{token}", run.name),
            "customData": run.resolved.get("CustomData"),
        },
    })
}
