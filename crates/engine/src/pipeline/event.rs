//! The events that an execution reports, as EventBridge has them (User Guide, "Monitoring CodePipeline events").

use base::Event;
use formats::pipeline::ActionDeclaration;
use serde_json::{Map, Value, json};

use super::{ActionRun, ActionStatus, Artifact, ExecutionState};

/// The states that events name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Started,
    Succeeded,
    Failed,
    Stopping,
    Stopped,
    Superseded,
    Canceled,
    Abandoned,
    Resumed,
    Skipped,
}

impl Word {
    fn as_str(self) -> &'static str {
        match self {
            Word::Started => "STARTED",
            Word::Succeeded => "SUCCEEDED",
            Word::Failed => "FAILED",
            Word::Stopping => "STOPPING",
            Word::Stopped => "STOPPED",
            Word::Superseded => "SUPERSEDED",
            Word::Canceled => "CANCELED",
            Word::Abandoned => "ABANDONED",
            Word::Resumed => "RESUMED",
            // The User Guide names the status of the stage, not this event.
            Word::Skipped => "SKIPPED",
        }
    }
}

pub(super) fn of_pipeline(state: &ExecutionState, word: Word) -> Event {
    let mut detail = detail(state, word);
    if word == Word::Started {
        let trigger = json!({"trigger-type": state.trigger.kind, "trigger-detail": state.trigger.detail});
        detail.insert("execution-trigger".to_owned(), trigger);
    }
    if let (Word::Stopping | Word::Stopped, Some(reason)) = (word, state.stop_request().and_then(|s| s.reason.as_ref()))
    {
        detail.insert("stop-execution-comments".to_owned(), json!(reason));
    }
    event(state, "CodePipeline Pipeline Execution State Change", detail)
}

pub(super) fn of_stage(state: &ExecutionState, stage: &str, word: Word) -> Event {
    let mut detail = detail(state, word);
    detail.insert("stage".to_owned(), json!(stage));
    event(state, "CodePipeline Stage Execution State Change", detail)
}

pub(super) fn of_action(
    state: &ExecutionState,
    stage: &str,
    declared: &ActionDeclaration,
    run: &ActionRun,
    word: Word,
) -> Event {
    let mut detail = detail(state, word);
    let id = &declared.action_type_id;
    let kind = json!({"owner": id.owner, "provider": id.provider, "category": id.category, "version": id.version});
    let region = declared.region.as_deref().unwrap_or(state.scope.region.as_str());
    for (key, value) in [
        ("stage", json!(stage)),
        ("action", json!(run.name)),
        ("action-execution-id", json!(run.id)),
        ("region", json!(region)),
        ("type", kind),
    ] {
        detail.insert(key.to_owned(), value);
    }
    if !run.inputs.is_empty() {
        detail.insert("input-artifacts".to_owned(), artifacts(&run.inputs));
    }
    match &run.status {
        ActionStatus::Succeeded { outputs, .. } => {
            detail.insert("execution-result".to_owned(), result(run));
            if !outputs.is_empty() {
                detail.insert("output-artifacts".to_owned(), artifacts(outputs));
            }
        }
        ActionStatus::Failed(_) => {
            detail.insert("execution-result".to_owned(), result(run));
        }
        ActionStatus::Working | ActionStatus::AwaitingApproval { .. } | ActionStatus::Abandoned => {}
    }
    event(state, "CodePipeline Action Execution State Change", detail)
}

fn result(run: &ActionRun) -> Value {
    let mut result = Map::new();
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            result.insert(key.to_owned(), json!(value));
        }
    };
    put("external-execution-url", run.external.url.as_deref());
    put("external-execution-id", run.external.id.as_deref());
    match &run.status {
        ActionStatus::Failed(error) => {
            put("external-execution-summary", run.external.summary.as_deref().or(Some(&error.message)));
            put("error-code", Some(&error.code));
        }
        ActionStatus::Working
        | ActionStatus::AwaitingApproval { .. }
        | ActionStatus::Succeeded { .. }
        | ActionStatus::Abandoned => put("external-execution-summary", run.external.summary.as_deref()),
    }
    Value::Object(result)
}

fn artifacts(artifacts: &[Artifact]) -> Value {
    artifacts.iter().map(|a| json!({"name": a.name, "s3location": {"bucket": a.bucket, "key": a.key}})).collect()
}

fn detail(state: &ExecutionState, word: Word) -> Map<String, Value> {
    let mut detail = Map::new();
    detail.insert("pipeline".to_owned(), json!(state.definition.name));
    detail.insert("execution-id".to_owned(), json!(state.id));
    detail.insert("state".to_owned(), json!(word.as_str()));
    detail.insert("version".to_owned(), json!(state.version));
    detail
}

fn event(state: &ExecutionState, detail_type: &str, detail: Map<String, Value>) -> Event {
    Event {
        source: "aws.codepipeline".to_owned(),
        detail_type: detail_type.to_owned(),
        resources: vec![state.pipeline_arn()],
        detail: Value::Object(detail),
    }
}
