//! `Sandbox` and `CommandExecution` of the API, as AWS's samples show them
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/sandbox.html>).

use base::CommandEnd;
use engine::build::{BuildState, Phase, PhaseRecord};
use engine::command_execution::{ExecutionState, Progress};
use engine::sandbox::SandboxState;
use serde_json::{Map, Value, json};

use super::build_view::{logs, phase, whole_millis};

/// The sandbox as BatchGetSandboxes shows it.
pub(super) fn view(state: &SandboxState) -> Value {
    let request = &state.session.request;
    let mut sandbox = Map::new();
    let mut put = |name: &str, value: Value| sandbox.insert(name.to_owned(), value);
    put("id", json!(request.id));
    put("arn", json!(request.arn()));
    put("projectName", json!(request.project));
    put("requestTime", json!(whole_millis(request.submitted)));
    put("status", json!(state.status_name()));
    put("timeoutInMinutes", json!(request.timeout_minutes));
    put("queuedTimeoutInMinutes", json!(request.queued_timeout_minutes));
    put("encryptionKey", json!(request.encryption_key));
    put("currentSession", session(state));
    for (name, from) in [
        ("source", "source"),
        ("secondarySources", "secondarySources"),
        ("secondarySourceVersions", "secondarySourceVersions"),
        ("environment", "environment"),
        ("serviceRole", "serviceRole"),
        ("logConfig", "logsConfig"),
    ] {
        if let Some(value) = request.echo.get(from).filter(|value| !value.is_null()) {
            put(name, value.clone());
        }
    }
    if let Some(version) = &request.source.version {
        put("sourceVersion", json!(version));
    }
    if let Some(begun) = began(&state.session) {
        put("startTime", json!(whole_millis(begun.started)));
    }
    if let Some((_, at)) = state.session.completed() {
        put("endTime", json!(whole_millis(at)));
    }
    Value::Object(sandbox)
}

/// Where somebody began to work at it.
fn began(session: &BuildState) -> Option<&PhaseRecord> {
    session.phases.iter().find(|record| record.phase == Phase::Provisioning)
}

fn session(state: &SandboxState) -> Value {
    let session = &state.session;
    let mut shown = json!({
        "id": session.request.uuid,
        "status": state.status_name(),
        "currentPhase": session.current_phase().name(),
        "startTime": whole_millis(session.request.submitted),
        "phases": session.phases.iter().map(phase).collect::<Value>(),
        "logs": logs(session),
    });
    if let Some((_, at)) = session.completed() {
        shown["endTime"] = json!(whole_millis(at));
    }
    if let Some(version) = &session.facts.resolved_source_version {
        shown["resolvedSourceVersion"] = json!(version);
    }
    shown
}

/// The command execution as BatchGetCommandExecutions shows it. What is empty is left out: the model knows no empty text.
///
/// Deviation: a command that its sandbox did not see through is FAILED without `exitCode`, and `standardErrContent` says why.
pub(super) fn execution_view(sandbox: &SandboxState, state: &ExecutionState) -> Value {
    let mut shown = json!({
        "id": state.id,
        "sandboxId": sandbox.session.request.id,
        "sandboxArn": sandbox.session.request.arn(),
        "submitTime": whole_millis(state.submitted),
        "status": state.status_name(),
        "command": state.command.expose(),
        "type": "SHELL",
        "logs": logs(&sandbox.session),
    });
    let mut put = |name: &str, value: Value| shown[name] = value;
    match &state.progress {
        Progress::Submitted => {}
        Progress::Running { started } => put("startTime", json!(whole_millis(*started))),
        Progress::Exited { started, end: CommandEnd { at, exit_status, stdout, stderr } } => {
            put("startTime", json!(whole_millis(*started)));
            put("endTime", json!(whole_millis(*at)));
            let mut errors = stderr.clone();
            match exit_status {
                Some(status) => put("exitCode", json!(status.to_string())),
                None => errors.push_str("The sandbox ended before the command did.\n"),
            }
            for (name, text) in [("standardOutputContent", stdout), ("standardErrContent", &errors)] {
                if !text.is_empty() {
                    put(name, json!(text));
                }
            }
        }
        Progress::Interrupted { started, at, reason } => {
            if let Some(started) = started {
                put("startTime", json!(whole_millis(*started)));
            }
            put("endTime", json!(whole_millis(*at)));
            put("standardErrContent", json!(format!("{reason}\n")));
        }
    }
    shown
}
