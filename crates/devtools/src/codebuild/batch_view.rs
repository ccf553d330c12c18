//! `BuildBatch` of the API.

use engine::build::{ArtifactTarget, PhaseEnd, Request, UploadedArtifact, destination_key};
use engine::build_batch::{BatchPhaseRecord, BatchState, BuildRun, Ending, Group, GroupState};
use serde_json::{Map, Value, json};

use super::build_view::whole_millis;

/// The batch as BatchGetBuildBatches shows it.
pub(super) fn view(state: &BatchState) -> Value {
    let request = &state.request;
    let template = &request.template;
    let mut batch = match &template.echo {
        Value::Object(members) => members.clone(),
        _ => Map::new(),
    };
    // Here the member has another name than in a build.
    if let Some(logs) = batch.remove("logsConfig") {
        batch.insert("logConfig".to_owned(), logs);
    }
    let mut put = |name: &str, value: Value| batch.insert(name.to_owned(), value);
    put("id", json!(template.id));
    put("arn", json!(request.arn()));
    put("buildBatchNumber", json!(request.number));
    put("startTime", json!(whole_millis(template.submitted)));
    put("currentPhase", json!(state.current_phase().name()));
    put("buildBatchStatus", json!(state.status_name()));
    put("complete", json!(state.completed().is_some()));
    put("projectName", json!(template.project));
    put("initiator", json!(template.initiator));
    put("phases", state.phases.iter().map(phase).collect());
    put("buildTimeoutInMinutes", json!(template.timeout_minutes));
    put("queuedTimeoutInMinutes", json!(template.queued_timeout_minutes));
    put("encryptionKey", json!(template.encryption_key));
    put("debugSessionEnabled", json!(template.debug_session));
    put("buildBatchConfig", request.config.clone());
    put("buildGroups", state.groups.iter().map(|group| self::group(template, group)).collect());
    put("artifacts", artifacts(state));
    put("secondaryArtifacts", json!([]));
    if let Some((_, at)) = state.completed() {
        put("endTime", json!(whole_millis(at)));
    }
    if let Some(version) = &template.source.version {
        put("sourceVersion", json!(version));
    }
    if let Some(version) = &state.resolved_source_version {
        put("resolvedSourceVersion", json!(version));
    }
    Value::Object(batch)
}

fn phase(record: &BatchPhaseRecord) -> Value {
    let mut out = json!({ "phaseType": record.phase.name(), "startTime": whole_millis(record.started) });
    if let PhaseEnd::Ended { at, status, context } = &record.end {
        out["phaseStatus"] = json!(status.name());
        out["endTime"] = json!(whole_millis(*at));
        out["durationInSeconds"] = json!(at.since(record.started).as_secs());
        if let Some(context) = context {
            out["contexts"] = json!([{ "statusCode": context.status_code, "message": context.message }]);
        }
    }
    out
}

fn group(template: &Request, group: &Group) -> Value {
    let mut out = json!({
        "identifier": group.plan.identifier,
        "dependsOn": group.plan.depends_on,
        "ignoreFailure": group.plan.ignore_failure,
        "priorBuildSummaryList": group.prior.iter().map(|ending| ended(template, group, ending)).collect::<Vec<_>>(),
    });
    match &group.state {
        GroupState::Waiting | GroupState::NeverBegan => {}
        GroupState::Running(run) => out["currentBuildSummary"] = summary(template, group, run, "IN_PROGRESS", &[]),
        GroupState::Ended(ending) => out["currentBuildSummary"] = ended(template, group, ending),
    }
    out
}

fn ended(template: &Request, group: &Group, ending: &Ending) -> Value {
    summary(template, group, &ending.run, ending.status.name(), &ending.artifacts)
}

fn summary(template: &Request, group: &Group, run: &BuildRun, status: &str, artifacts: &[UploadedArtifact]) -> Value {
    let kind = match &template.artifacts {
        ArtifactTarget::NoArtifacts => "NO_ARTIFACTS",
        ArtifactTarget::S3 { .. } => "S3",
        ArtifactTarget::Pipeline(_) => "CODEPIPELINE",
    };
    let identifier = &group.plan.identifier;
    let mut primary = json!({ "type": kind, "identifier": identifier });
    let is_primary = |a: &&UploadedArtifact| a.identifier.as_ref().is_none_or(|id| id == identifier);
    if let Some(artifact) = artifacts.iter().find(is_primary) {
        primary["location"] = json!(artifact.location);
    }
    let secondary = artifacts.iter().filter(|a| !is_primary(a));
    json!({
        "arn": template.scope.arn("codebuild", format!("build/{}", run.build)),
        "requestedOn": whole_millis(run.requested),
        "buildStatus": status,
        "primaryArtifact": primary,
        "secondaryArtifacts": secondary
            .map(|a| json!({ "type": kind, "identifier": a.identifier, "location": a.location }))
            .collect::<Vec<_>>(),
    })
}

fn artifacts(state: &BatchState) -> Value {
    let template = &state.request.template;
    match (&state.artifact, &template.artifacts) {
        (Some(a), _) if a.md5.is_empty() => json!({ "location": a.location }),
        (Some(a), _) => json!({ "location": a.location, "md5sum": a.md5, "sha256sum": a.sha256 }),
        (None, ArtifactTarget::S3 { bucket, name, .. }) if state.request.combine_artifacts => {
            let key = destination_key(&template.artifacts, &template.uuid, name);
            json!({ "location": format!("arn:aws:s3:::{bucket}/{key}") })
        }
        (None, _) => json!({ "location": "" }),
    }
}
