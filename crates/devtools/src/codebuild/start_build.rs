//! StartBuild: applies the overrides to the project, settles the build and sets it going. The build itself is the
//! driver's work; the answer comes as soon as the request is on disk.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html>.

use base::ApiError;
use engine::build::{BuildState, Phase};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::Tx;

use super::begin::{Token, begin};
use super::build_view::view;
use super::project::{Project, find, name_of, parse};
use super::settle::{Particulars, initiator, settle};
use super::shapes::{
    EnvironmentVariable, LogsConfig, ProjectArtifacts, ProjectCache, ProjectFleet, ProjectSource, ProjectSourceVersion,
};
use super::{check, errors};

/// Members of the model that are refused when they ask for something.
const UNSUPPORTED: &[&str] = &["buildStatusConfigOverride", "certificateOverride", "reportBuildStatusOverride"];

/// The request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub project_name: String,
    pub secondary_sources_override: Option<Vec<ProjectSource>>,
    pub secondary_sources_version_override: Option<Vec<ProjectSourceVersion>>,
    pub source_version: Option<String>,
    pub artifacts_override: Option<ProjectArtifacts>,
    pub secondary_artifacts_override: Option<Vec<ProjectArtifacts>>,
    pub environment_variables_override: Option<Vec<EnvironmentVariable>>,
    pub source_type_override: Option<String>,
    pub source_location_override: Option<String>,
    pub git_clone_depth_override: Option<i64>,
    pub git_submodules_config_override: Option<Value>,
    pub source_auth_override: Option<Value>,
    pub buildspec_override: Option<String>,
    pub insecure_ssl_override: Option<bool>,
    pub environment_type_override: Option<String>,
    pub image_override: Option<String>,
    pub compute_type_override: Option<String>,
    pub cache_override: Option<ProjectCache>,
    pub service_role_override: Option<String>,
    pub privileged_mode_override: Option<bool>,
    pub host_kernel_override: Option<String>,
    pub timeout_in_minutes_override: Option<u32>,
    pub queued_timeout_in_minutes_override: Option<u32>,
    pub encryption_key_override: Option<String>,
    pub idempotency_token: Option<String>,
    pub logs_config_override: Option<LogsConfig>,
    pub image_pull_credentials_type_override: Option<String>,
    pub registry_credential_override: Option<Value>,
    pub auto_retry_limit_override: Option<i64>,
    pub fleet_override: Option<ProjectFleet>,
    pub debug_session_enabled: Option<bool>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
    /// For callers in this process: end the build after this phase, without artifacts.
    #[serde(skip)]
    pub last_phase: Option<Phase>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub build: Value,
}

/// Starts a build.
pub async fn start_build(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check_members(&input)?;
    cx.room()?;
    let token = token(input.idempotency_token.as_deref(), &input)?;
    let (uuid, initiator, submitted) = (cx.ids.uuid().to_string(), initiator(cx), cx.now());
    let context = cx.clone();
    let state = cx
        .store
        .write(move |tx| {
            let (cx, input, token) = (context.clone(), input.clone(), token.clone());
            let (uuid, initiator) = (uuid.clone(), initiator.clone());
            let particulars = Particulars { uuid, initiator, parent: None, submitted };
            Box::pin(async move { submit(tx, &cx, input, particulars, token.as_ref()).await })
        })
        .await?;
    Ok(Output { build: view(&state) })
}

/// Settles the build and sets it going, in the caller's transaction.
pub(super) async fn submit(
    tx: &mut Tx,
    cx: &Cx,
    input: Input,
    particulars: Particulars,
    token: Option<&Token>,
) -> Result<BuildState, ApiError> {
    let name = name_of(cx.scope(), &input.project_name);
    let missing = || errors::project_not_found(&cx.arn("codebuild", format!("project/{name}")));
    let row = find(tx, cx.scope(), name).await?.ok_or_else(missing)?;
    let (role, last_phase) = (input.service_role_override.clone(), input.last_phase);
    let debug_session = input.debug_session_enabled.unwrap_or(false);
    let project = overridden(parse(&row)?, input).with_defaults(cx);
    check::project(cx, &project)?;
    if let Some(role) = role {
        check::role_exists(tx, cx, &role).await?;
    }
    if project.source.kind() == "CODEPIPELINE" {
        let why = "a project with source type CODEPIPELINE is built by its pipeline; to start it alone, \
                   override its source and its artifacts";
        return Err(errors::invalid(format!("Invalid project: {why}")));
    }
    let mut request = settle(cx, &project, particulars)?;
    request.last_phase = last_phase;
    request.debug_session = debug_session;
    begin(tx, request, token).await
}

/// Members of the model that are refused, and numbers that are out of bounds.
pub(super) fn check_members(input: &Input) -> Result<(), ApiError> {
    check::unsupported_members(&input.rest, UNSUPPORTED)?;
    check::retry_limit(input.auto_retry_limit_override).map(|_| ())
}

/// The token with a digest of the request that it came with.
pub(super) fn token(token: Option<&str>, request: &impl Serialize) -> Result<Option<Token>, ApiError> {
    let Some(token) = token.filter(|t| !t.is_empty()) else { return Ok(None) };
    let text = serde_json::to_string(request).map_err(ApiError::internal)?;
    Ok(Some(Token { token: token.to_owned(), request: base::derived_uuid(&["codebuild-token", &text]).to_string() }))
}

pub(super) fn overridden(mut project: Project, input: Input) -> Project {
    macro_rules! take {
        ($($from:ident => $($to:ident).+;)*) => { $(if let Some(value) = input.$from { project.$($to).+ = value; })* };
    }
    macro_rules! take_some {
        ($($from:ident => $($to:ident).+;)*) => { $(if input.$from.is_some() { project.$($to).+ = input.$from; })* };
    }
    take! {
        secondary_sources_override => secondary_sources;
        secondary_sources_version_override => secondary_source_versions;
        artifacts_override => artifacts;
        secondary_artifacts_override => secondary_artifacts;
        cache_override => cache;
        service_role_override => service_role;
        timeout_in_minutes_override => timeout_in_minutes;
        queued_timeout_in_minutes_override => queued_timeout_in_minutes;
        encryption_key_override => encryption_key;
    }
    if let Some(kind) = &input.source_type_override
        && project.source.kind() != kind
    {
        // Another kind of source has another kind of location.
        project.source.location = None;
    }
    take_some! {
        source_version => source_version;
        source_type_override => source.r#type;
        source_location_override => source.location;
        git_clone_depth_override => source.git_clone_depth;
        git_submodules_config_override => source.git_submodules_config;
        source_auth_override => source.auth;
        buildspec_override => source.buildspec;
        insecure_ssl_override => source.insecure_ssl;
        environment_type_override => environment.r#type;
        image_override => environment.image;
        compute_type_override => environment.compute_type;
        privileged_mode_override => environment.privileged_mode;
        host_kernel_override => environment.host_kernel;
        image_pull_credentials_type_override => environment.image_pull_credentials_type;
        registry_credential_override => environment.registry_credential;
        logs_config_override => logs_config;
        fleet_override => environment.fleet;
    }
    if let Some(limit) = input.auto_retry_limit_override {
        project.auto_retry_limit = u32::try_from(limit).ok();
    }
    if let Some(variables) = input.environment_variables_override {
        merge(project.environment.environment_variables.get_or_insert_default(), variables);
    }
    project
}

/// Variables of the same name are replaced, others come behind.
pub(super) fn merge(into: &mut Vec<EnvironmentVariable>, from: Vec<EnvironmentVariable>) {
    for variable in from {
        match into.iter_mut().find(|v| v.name == variable.name) {
            Some(old) => *old = variable,
            None => into.push(variable),
        }
    }
}
