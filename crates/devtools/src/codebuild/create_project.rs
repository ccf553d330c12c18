//! CreateProject: checks the project, fills in the service's defaults and stores it.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::tables::codebuild_project;

use super::project::{Project, view};
use super::shapes::{
    BuildBatchConfig, LogsConfig, ProjectArtifacts, ProjectCache, ProjectEnvironment, ProjectSource,
    ProjectSourceVersion, Tag,
};
use super::{check, errors};

/// Members of the model that are refused when they ask for something.
///
/// Deviation: builds are in no VPC and have no file systems of EFS.
pub(super) const UNSUPPORTED: &[&str] = &["vpcConfig", "fileSystemLocations"];

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub name: String,
    pub description: Option<String>,
    pub source: ProjectSource,
    pub secondary_sources: Option<Vec<ProjectSource>>,
    pub source_version: Option<String>,
    pub secondary_source_versions: Option<Vec<ProjectSourceVersion>>,
    pub artifacts: ProjectArtifacts,
    pub secondary_artifacts: Option<Vec<ProjectArtifacts>>,
    pub cache: Option<ProjectCache>,
    pub environment: ProjectEnvironment,
    pub service_role: String,
    pub timeout_in_minutes: Option<u32>,
    pub queued_timeout_in_minutes: Option<u32>,
    pub encryption_key: Option<String>,
    pub tags: Option<Vec<Tag>>,
    pub logs_config: Option<LogsConfig>,
    pub badge_enabled: Option<bool>,
    pub build_batch_config: Option<BuildBatchConfig>,
    /// Terraform says -1 for none.
    pub concurrent_build_limit: Option<i64>,
    pub auto_retry_limit: Option<i64>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub project: Value,
}

/// Creates a project.
pub async fn create_project(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check::unsupported_members(&input.rest, UNSUPPORTED)?;
    let project = Project {
        name: input.name,
        description: input.description,
        source: input.source,
        secondary_sources: input.secondary_sources.unwrap_or_default(),
        source_version: input.source_version,
        secondary_source_versions: input.secondary_source_versions.unwrap_or_default(),
        artifacts: input.artifacts,
        secondary_artifacts: input.secondary_artifacts.unwrap_or_default(),
        cache: input.cache.unwrap_or_default(),
        environment: input.environment,
        service_role: input.service_role,
        timeout_in_minutes: input.timeout_in_minutes.unwrap_or(60),
        queued_timeout_in_minutes: input.queued_timeout_in_minutes.unwrap_or(480),
        encryption_key: input.encryption_key.unwrap_or_default(),
        tags: input.tags.unwrap_or_default(),
        logs_config: input.logs_config,
        badge_enabled: input.badge_enabled.unwrap_or(false),
        badge_token: String::new(),
        build_batch_config: input.build_batch_config.filter(|config| *config != BuildBatchConfig::default()),
        concurrent_build_limit: check::build_limit(input.concurrent_build_limit)?,
        auto_retry_limit: check::retry_limit(input.auto_retry_limit)?,
    };
    check::project(cx, &project)?;
    let project = project.with_defaults(cx);
    let (scope, name, config) = (cx.scope().clone(), project.name.clone(), project.to_json()?);
    let (cx_in, role) = (cx.clone(), project.service_role.clone());
    let arn = cx.arn("codebuild", format!("project/{name}"));
    let row = cx
        .store
        .write(move |tx| {
            let (scope, name, config, arn) = (scope.clone(), name.clone(), config.clone(), arn.clone());
            let (cx, role) = (cx_in.clone(), role.clone());
            Box::pin(async move {
                check::role_exists(tx, &cx, &role).await?;
                if codebuild_project::get(tx, &scope, &name).await?.is_some() {
                    return Err(errors::project_exists(&arn));
                }
                codebuild_project::insert(tx, &scope, &name, &config).await?;
                Ok(codebuild_project::get(tx, &scope, &name).await?)
            })
        })
        .await?;
    let row = row.ok_or_else(|| ApiError::internal("a project vanished in its own transaction"))?;
    Ok(Output { project: view(cx.scope(), &cx.site.endpoint, &row) })
}
