//! `Build` of the API.

use base::{ApiError, Timestamp};
use engine::build::{
    ArtifactTarget, BuildState, Context, Logs, PhaseEnd, PhaseRecord, Place, Request, Stage, UploadedArtifact,
    destination_key,
};
use serde_json::{Map, Value, json};

/// The build as BatchGetBuilds shows it.
pub(super) fn view(state: &BuildState) -> Value {
    let request = &state.request;
    let mut build = match &request.echo {
        Value::Object(members) => members.clone(),
        _ => Map::new(),
    };
    let mut put = |name: &str, value: Value| build.insert(name.to_owned(), value);
    put("id", json!(request.id));
    put("arn", json!(request.arn()));
    put("buildNumber", json!(request.number));
    put("startTime", json!(request.submitted));
    put("currentPhase", json!(state.current_phase().name()));
    put("buildStatus", json!(state.status_name()));
    put("buildComplete", json!(state.completed().is_some()));
    put("projectName", json!(request.project));
    put("initiator", json!(request.initiator));
    put("phases", state.phases.iter().map(phase).collect());
    put("timeoutInMinutes", json!(request.timeout_minutes));
    put("queuedTimeoutInMinutes", json!(request.queued_timeout_minutes));
    put("encryptionKey", json!(request.encryption_key));
    put("logs", logs(state));
    put("artifacts", artifacts(state, &request.artifacts));
    put("secondaryArtifacts", request.secondary_artifacts.iter().map(|a| artifacts(state, a)).collect());
    if let Some((_, at)) = state.completed() {
        put("endTime", json!(at));
    }
    if request.debug_session {
        let mut session = json!({ "sessionEnabled": true });
        if matches!(state.stage, Stage::Running(_)) {
            // What `headworks attach` takes.
            session["sessionTarget"] = json!(request.id);
        }
        put("debugSession", session);
    }
    if let Some(version) = &request.source.version {
        put("sourceVersion", json!(version));
    }
    if let Some(version) = &state.facts.resolved_source_version {
        put("resolvedSourceVersion", json!(version));
    }
    if !state.facts.reports.is_empty() {
        put("reportArns", json!(state.facts.reports));
    }
    if let Some(batch) = &request.batch {
        put("buildBatchArn", json!(batch.arn));
    }
    if let Some(retry) = &request.auto_retry {
        let mut shown = json!({ "autoRetryLimit": retry.limit, "autoRetryNumber": retry.number });
        if let Some(next) = state.next_auto_retry() {
            shown["nextAutoRetry"] = json!(next);
        }
        if let Some(previous) = &retry.previous {
            shown["previousAutoRetry"] = json!(previous);
        }
        put("autoRetryConfig", shown);
    }
    let exported = &state.facts.exported_variables;
    put(
        "exportedEnvironmentVariables",
        exported.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect(),
    );
    Value::Object(build)
}

/// As `view`, with what a build that has no room waits for. `no_room` is why nothing new is begun.
///
/// Deviation: a phase that has not ended has a context when its build waits for room on the server's disk; AWS has no such
/// wait.
pub(super) fn view_now(state: &BuildState, no_room: Option<&ApiError>) -> Value {
    let mut build = view(state);
    if let Some(why) = no_room.filter(|_| state.needs_room())
        && let Some(phase) = build["phases"].as_array_mut().and_then(|phases| phases.last_mut())
    {
        phase["contexts"] = json!([{ "statusCode": "WAITING_FOR_DISK", "message": why.message }]);
    }
    build
}

pub(super) fn phase(record: &PhaseRecord) -> Value {
    let mut out = json!({ "phaseType": record.phase.name(), "startTime": whole_millis(record.started) });
    if let PhaseEnd::Ended { at, status, context } = &record.end {
        out["phaseStatus"] = json!(status.name());
        out["endTime"] = json!(whole_millis(*at));
        out["durationInSeconds"] = json!(at.since(record.started).as_secs());
        out["contexts"] = context
            .iter()
            .map(|Context { status_code, message }| json!({ "statusCode": status_code, "message": message }))
            .collect();
    }
    out
}

/// AWS's times have milliseconds.
pub(super) fn whole_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millis(at.millis())
}

/// The ARN of the stream of a build's log.
pub(super) fn log_stream(request: &Request) -> Option<String> {
    match &request.logs {
        Logs::CloudWatch { group, stream } => {
            Some(request.scope.arn("logs", format!("log-group:{group}:log-stream:{stream}")).to_string())
        }
        Logs::Disabled => None,
    }
}

pub(super) fn logs(state: &BuildState) -> Value {
    let request = &state.request;
    let mut out = json!({ "deepLink": request.log_link() });
    if let Logs::CloudWatch { group, stream } = &request.logs {
        out["groupName"] = json!(group);
        out["streamName"] = json!(stream);
        out["cloudWatchLogsArn"] = json!(log_stream(request));
    }
    if let Some(Place { bucket, key }) = request.log_object() {
        out["s3DeepLink"] = json!(format!(
            "https://s3.console.aws.amazon.com/s3/object/{bucket}/{key}?region={}",
            request.scope.region
        ));
        out["s3LogsArn"] = json!(format!("arn:aws:s3:::{bucket}/{key}"));
    }
    if let Some(config) = request.echo.get("logsConfig") {
        for member in ["cloudWatchLogs", "s3Logs"] {
            if let Some(value) = config.get(member) {
                out[member] = value.clone();
            }
        }
    }
    out
}

/// Deviation: artifacts are not encrypted, so `encryptionDisabled` is true whatever the project says.
fn artifacts(state: &BuildState, target: &ArtifactTarget) -> Value {
    let stored =
        |identifier: Option<&str>| state.facts.artifacts.iter().find(|a| a.identifier.as_deref() == identifier);
    match target {
        ArtifactTarget::NoArtifacts => json!({ "location": "" }),
        ArtifactTarget::S3 { identifier, bucket, name, override_name, .. } => {
            let key = destination_key(target, &state.request.uuid, name);
            let planned = format!("arn:aws:s3:::{bucket}/{key}");
            let mut out = artifact(stored(identifier.as_deref()), planned);
            out["overrideArtifactName"] = json!(override_name);
            out["encryptionDisabled"] = json!(true);
            if let Some(identifier) = identifier {
                out["artifactIdentifier"] = json!(identifier);
            }
            out
        }
        ArtifactTarget::Pipeline(outputs) => match outputs.first() {
            None => json!({ "location": "" }),
            Some(output) => {
                let planned = format!("arn:aws:s3:::{}/{}", output.place.bucket, output.place.key);
                let mut out = artifact(stored(Some(&output.name)), planned);
                out["encryptionDisabled"] = json!(true);
                out
            }
        },
    }
}

fn artifact(stored: Option<&UploadedArtifact>, planned: String) -> Value {
    match stored {
        None => json!({ "location": planned }),
        Some(a) if a.md5.is_empty() => json!({ "location": a.location }),
        Some(a) => json!({ "location": a.location, "md5sum": a.md5, "sha256sum": a.sha256 }),
    }
}
