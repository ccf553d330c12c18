//! The events that an execution reports, as EventBridge has them (User Guide, "Monitoring CodePipeline events").

use base::{Event, Timestamp};
use formats::pipeline::ActionDeclaration;
use serde_json::{Map, Value, json};

use super::{ActionRun, ActionStatus, Artifact, Begun, ExecutionState, SourceOverride, StageRun, StageStatus, Trigger};

/// Characters of a commit's message in an event, which is a row of its own for each listener.
const MAX_MESSAGE: usize = 2048;

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
    let mut detail = detail(state, word, state.begun());
    let trigger = match word {
        Word::Started => Some(json!({"trigger-type": state.trigger.kind, "trigger-detail": state.trigger.detail})),
        Word::Succeeded
        | Word::Failed
        | Word::Stopping
        | Word::Stopped
        | Word::Superseded
        | Word::Canceled
        | Word::Abandoned
        | Word::Resumed
        | Word::Skipped => commit(state),
    };
    detail.extend(trigger.map(|trigger| ("execution-trigger".to_owned(), trigger)));
    if let (Word::Stopping | Word::Stopped, Some(reason)) = (word, state.stop_request().and_then(|s| s.reason.as_ref()))
    {
        detail.insert("stop-execution-comments".to_owned(), json!(reason));
    }
    event(state, "CodePipeline Pipeline Execution State Change", detail)
}

pub(super) fn of_stage(state: &ExecutionState, stage: &str, word: Word) -> Event {
    let mut detail = detail(state, word, state.begun());
    detail.insert("stage".to_owned(), json!(stage));
    let retried = state.attempts(stage).rfind(|run| run.begun != Begun::Entered);
    detail.extend(retried.map(|run| ("stage-last-retry-attempt-time".to_owned(), time(run.started))));
    event(state, "CodePipeline Stage Execution State Change", detail)
}

pub(super) fn of_action(
    state: &ExecutionState,
    stage: &str,
    declared: &ActionDeclaration,
    run: &ActionRun,
    word: Word,
) -> Event {
    let mut detail = detail(state, word, Some(run.started));
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

/// The commit that a git trigger started the execution for, once the source stage is behind it ("Pipeline SUCCEEDED (example
/// with Git tags)").
fn commit(state: &ExecutionState) -> Option<Value> {
    (state.trigger.kind == Trigger::GIT).then_some(())?;
    let pushed = state.overrides.iter().find(|o| o.kind == SourceOverride::BRANCH)?;
    let fetched = |stage: &&StageRun| matches!(stage.status, StageStatus::Succeeded | StageStatus::Skipped);
    let run = state.stage(&state.definition.stages.first()?.name).filter(fetched)?.action(&pushed.action)?;
    let revision = &state.source_revisions.iter().find(|s| s.action == pushed.action)?.revision;
    let ActionStatus::Succeeded { variables: said, .. } = &run.status else { return None };
    let (reference, name) = match pushed.value.strip_prefix("refs/tags/") {
        Some(tag) => ("tag-name", tag),
        None => ("branch-name", pushed.value.as_str()),
    };
    let message = said.get("CommitMessage").map(|message| message.chars().take(MAX_MESSAGE).collect::<String>());
    let mut commit = Map::new();
    for (key, value) in [
        (reference, Some(name)),
        ("commit-id", Some(revision.id.as_str())),
        ("commit-message", message.as_deref()),
        ("author-date", said.get("AuthorDate").map(String::as_str)),
        ("full-repository-name", said.get("FullRepositoryName").or(said.get("RepositoryName")).map(String::as_str)),
        ("connection-arn", said.get("ConnectionArn").map(String::as_str)),
    ] {
        commit.extend(value.map(|value| (key.to_owned(), json!(value))));
    }
    if let Some(origin) = &revision.commit {
        let known = [
            // Hosts have ids for their users; git has names.
            ("author-id", &origin.author),
            ("author-display-name", &origin.author),
            ("author-email", &origin.email),
            ("provider-type", &origin.provider),
        ];
        commit.extend(known.iter().filter(|(_, value)| !value.is_empty()).map(|(k, v)| ((*k).to_owned(), json!(v))));
    }
    Some(Value::Object(commit))
}

/// As AWS writes it, with milliseconds always.
fn time(at: Timestamp) -> Value {
    json!(at.format("%Y-%m-%dT%H:%M:%S%.3fZ"))
}

fn detail(state: &ExecutionState, word: Word, started: Option<Timestamp>) -> Map<String, Value> {
    let mut detail = Map::new();
    detail.insert("pipeline".to_owned(), json!(state.definition.name));
    detail.insert("execution-id".to_owned(), json!(state.id));
    detail.insert("state".to_owned(), json!(word.as_str()));
    detail.insert("version".to_owned(), json!(state.version));
    detail.insert("pipeline-execution-attempt".to_owned(), json!(state.attempt()));
    detail.extend(started.map(|at| ("start-time".to_owned(), time(at))));
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
