//! Events as EventBridge carries them; the shapes are those of AWS's samples
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications.html>).

use base::{Event, Timestamp};
use serde_json::{Map, Value, json};

use super::{BuildState, Context, Logs, PhaseEnd, PhaseRecord};

/// `CodeBuild Build State Change`.
pub(super) fn state_change(state: &BuildState) -> Event {
    let context = match state.first_failure() {
        Some((_, context)) if state.completed().is_some() => one_line(context),
        Some(_) | None => String::new(),
    };
    event(
        state,
        "CodeBuild Build State Change",
        json!({
            "build-status": state.status_name(),
            "project-name": state.request.project,
            "build-id": state.request.arn(),
            "additional-information": additional(state),
            "current-phase": state.current_phase().name(),
            "current-phase-context": format!("[{context}]"),
            "version": "1",
        }),
    )
}

/// `CodeBuild Build Phase Change`.
pub(super) fn phase_change(state: &BuildState, record: &PhaseRecord) -> Event {
    let mut detail = json!({
        "completed-phase": record.phase.name(),
        "project-name": state.request.project,
        "build-id": state.request.arn(),
        "additional-information": additional(state),
        "completed-phase-start": readable(record.started),
        "version": "1",
    });
    if let PhaseEnd::Ended { at, status, context } = &record.end {
        let context = context.as_ref().map(one_line).unwrap_or_default();
        detail["completed-phase-context"] = json!(format!("[{context}]"));
        detail["completed-phase-status"] = json!(status.name());
        detail["completed-phase-duration-seconds"] = json!(at.since(record.started).as_secs());
        detail["completed-phase-end"] = json!(readable(*at));
    }
    event(state, "CodeBuild Build Phase Change", detail)
}

fn event(state: &BuildState, detail_type: &str, detail: Value) -> Event {
    Event {
        source: "aws.codebuild".to_owned(),
        detail_type: detail_type.to_owned(),
        resources: vec![state.request.arn()],
        detail,
    }
}

fn additional(state: &BuildState) -> Value {
    let request = &state.request;
    let variables: Vec<Value> =
        request.variables.iter().map(|v| json!({ "name": v.name, "type": v.kind.name(), "value": v.value })).collect();
    let mut out = json!({
        "environment": {
            "image": request.image,
            "privileged-mode": request.privileged,
            "compute-type": request.compute_type,
            "type": request.environment_type,
            "environment-variables": variables,
        },
        "timeout-in-minutes": request.timeout_minutes,
        "build-complete": state.completed().is_some(),
        "build-number": request.number,
        "initiator": request.initiator,
        "build-start-time": readable(request.submitted),
        "source": { "location": request.source.kind.location(), "type": request.source.kind.name() },
        "phases": state.phases.iter().map(phase).collect::<Vec<_>>(),
    });
    let mut logs = Map::new();
    if let Logs::CloudWatch { group, stream } = &request.logs {
        logs.insert("group-name".to_owned(), json!(group));
        logs.insert("stream-name".to_owned(), json!(stream));
    }
    logs.insert("deep-link".to_owned(), json!(request.log_link()));
    out["logs"] = Value::Object(logs);
    if let Some(artifact) = state.facts.artifacts.iter().find(|a| a.identifier.is_none()) {
        out["artifact"] =
            json!({ "md5sum": artifact.md5, "sha256sum": artifact.sha256, "location": artifact.location });
    }
    if let Some(version) = &request.source.version {
        out["source-version"] = json!(version);
    }
    out
}

fn phase(record: &PhaseRecord) -> Value {
    let started = readable(record.started);
    match &record.end {
        PhaseEnd::Open => json!({ "phase-type": record.phase.name(), "start-time": started }),
        PhaseEnd::Ended { at, status, context } => json!({
            "phase-context": context.iter().map(one_line).collect::<Vec<_>>(),
            "start-time": started,
            "end-time": readable(*at),
            "duration-in-seconds": at.since(record.started).as_secs(),
            "phase-type": record.phase.name(),
            "phase-status": status.name(),
        }),
    }
}

fn one_line(context: &Context) -> String {
    format!("{}: {}", context.status_code, context.message)
}

/// `Sep 1, 2017 4:12:29 PM`.
fn readable(time: Timestamp) -> String {
    time.format("%b %-d, %Y %-I:%M:%S %p")
}
