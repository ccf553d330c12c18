//! What workers see of a job.
//!
//! Deviation: the credentials for a job's artifacts read its inputs and write its outputs whatever the pipeline's role may do,
//! as all work on artifacts here is the service's own.

use std::collections::BTreeMap;

use base::{ApiError, Secret};
use engine::job::{Job, JobState};
use engine::pipeline::Artifact as Place;
use formats::pipeline::{ActionTypeId, EncryptionKey};
use platform::Cx;
use platform::sts::{Credentials, ServiceSession, issue_for_service};
use serde::Serialize;
use serde_json::json;
use store::tables::sts_session;
use store::{Tx, machine};

use super::{errors, secrets};

/// How long the credentials of a job are good; they end with it before.
const CREDENTIALS_SECONDS: u64 = 12 * 3600;

/// All that a worker needs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobData {
    pub action_type_id: ActionTypeId,
    pub action_configuration: ActionConfiguration,
    pub pipeline_context: PipelineContext,
    pub input_artifacts: Vec<Artifact>,
    pub output_artifacts: Vec<Artifact>,
    pub artifact_credentials: ArtifactCredentials,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<EncryptionKey>,
}

/// The configuration with all references replaced, secrets included.
#[derive(Debug, Serialize)]
pub struct ActionConfiguration {
    pub configuration: BTreeMap<String, String>,
}

/// Where the job comes from.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipelineContext {
    pub pipeline_name: String,
    pub stage: Named,
    pub action: Action,
    pub pipeline_arn: String,
    pub pipeline_execution_id: String,
}

/// A stage.
#[derive(Debug, Serialize)]
pub struct Named {
    pub name: String,
}

/// An action of an execution.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    pub name: String,
    pub action_execution_id: String,
}

/// An artifact to read or to write.
#[derive(Debug, Serialize)]
pub struct Artifact {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    pub location: Location,
}

/// Where an artifact is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub s3_location: ObjectName,
}

/// An object, in this structure's spelling.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectName {
    pub bucket_name: String,
    pub object_key: String,
}

/// Credentials that read the inputs and write the outputs, and nothing else.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactCredentials {
    pub access_key_id: String,
    pub secret_access_key: Secret<String>,
    pub session_token: Secret<String>,
}

/// A job of the caller's account and region.
pub(super) async fn load(tx: &mut Tx, cx: &Cx, id: &str) -> Result<JobState, ApiError> {
    let row = machine::get::<Job>(tx, id).await?.filter(|row| row.scope == *cx.scope());
    row.map(|row| row.state).ok_or_else(|| errors::job_not_found(id))
}

/// As [`load`], and nobody ends the job until the transaction ends.
pub(super) async fn load_locked(tx: &mut Tx, cx: &Cx, id: &str) -> Result<JobState, ApiError> {
    let row = machine::get_locked::<Job>(tx, id).await?.filter(|row| row.scope == *cx.scope());
    row.map(|row| row.state).ok_or_else(|| errors::job_not_found(id))
}

/// The configuration as the worker needs it, secrets opened.
pub(super) fn configuration(cx: &Cx, state: &JobState) -> Result<BTreeMap<String, String>, ApiError> {
    let job = &state.job;
    let sealed = job.sealed.clone().unwrap_or_else(|| secrets::sealed(&job.configuration));
    secrets::open(cx, &job.scope, &job.pipeline, &job.configuration, &sealed)
}

/// The job's data, with new credentials for its artifacts.
pub(super) async fn data(
    tx: &mut Tx,
    cx: &Cx,
    state: &JobState,
    configuration: BTreeMap<String, String>,
) -> Result<JobData, ApiError> {
    let job = &state.job;
    let policy = policy(state);
    let session = session_name(&job.id);
    let asked = ServiceSession {
        account: job.scope.account.as_str(),
        role_arn: &job.role_arn,
        session: &session,
        policy: &policy,
        seconds: CREDENTIALS_SECONDS,
    };
    let Credentials { access_key_id, secret_access_key, session_token, .. } = issue_for_service(tx, cx, asked).await?;
    let artifact = |place: &Place, revision: Option<&String>| Artifact {
        name: place.name.clone(),
        revision: revision.cloned(),
        location: Location {
            kind: "S3",
            s3_location: ObjectName { bucket_name: place.bucket.clone(), object_key: place.key.clone() },
        },
    };
    Ok(JobData {
        action_type_id: job.action_type.clone(),
        action_configuration: ActionConfiguration { configuration },
        pipeline_context: PipelineContext {
            pipeline_name: job.pipeline.clone(),
            stage: Named { name: job.stage.clone() },
            action: Action { name: job.action.clone(), action_execution_id: job.action_execution.clone() },
            pipeline_arn: super::load::arn(&job.scope, &job.pipeline),
            pipeline_execution_id: job.execution.clone(),
        },
        input_artifacts: job.inputs.iter().map(|i| artifact(&i.artifact, i.revision.as_ref())).collect(),
        output_artifacts: job.outputs.iter().map(|o| artifact(o, None)).collect(),
        artifact_credentials: ArtifactCredentials { access_key_id, secret_access_key, session_token },
        continuation_token: job.continuation.clone(),
        encryption_key: job.encryption_key.clone().map(|id| EncryptionKey { id, key_type: "KMS".to_owned() }),
    })
}

/// Ends the credentials of a job that is over or goes to another worker; says whether there were any. The caller makes the
/// cache forget when the transaction is through. The job's row must be locked: else others may be issued meanwhile.
pub(super) async fn revoke(tx: &mut Tx, state: &JobState) -> Result<bool, ApiError> {
    let session = session_name(&state.job.id);
    Ok(sts_session::delete_of_session(tx, state.job.scope.account.as_str(), &session).await? > 0)
}

fn session_name(job: &str) -> String {
    format!("AWSCodePipeline-job-{job}")
}

fn policy(state: &JobState) -> String {
    let arn = |place: &Place| format!("arn:{}:s3:::{}/{}", state.job.scope.region.partition(), place.bucket, place.key);
    let inputs: Vec<String> = state.job.inputs.iter().map(|i| arn(&i.artifact)).collect();
    let outputs: Vec<String> = state.job.outputs.iter().map(arn).collect();
    let mut statements = Vec::new();
    let read = ["s3:GetObject", "s3:GetObjectVersion"];
    let write = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];
    for (actions, resources) in [(&read[..], inputs), (&write[..], outputs)] {
        if !resources.is_empty() {
            statements.push(json!({"Effect": "Allow", "Action": actions, "Resource": resources}));
        }
    }
    if statements.is_empty() {
        statements.push(json!({"Effect": "Deny", "Action": "*", "Resource": "*"}));
    }
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}
