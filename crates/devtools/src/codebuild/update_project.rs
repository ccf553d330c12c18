//! UpdateProject: members that are given replace those of the project; the rest stays.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_UpdateProject.html>.

use base::ApiError;
use engine::build_queue::QueueInput;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::tables::codebuild_project;

use super::create_project::UNSUPPORTED;
use super::project::{Project, find, name_of, parse, view};
use super::shapes::{
    BuildBatchConfig, LogsConfig, ProjectArtifacts, ProjectCache, ProjectEnvironment, ProjectSource,
    ProjectSourceVersion, Tag,
};
use super::{check, errors, queue};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub name: String,
    pub description: Option<String>,
    pub source: Option<ProjectSource>,
    pub secondary_sources: Option<Vec<ProjectSource>>,
    pub source_version: Option<String>,
    pub secondary_source_versions: Option<Vec<ProjectSourceVersion>>,
    pub artifacts: Option<ProjectArtifacts>,
    pub secondary_artifacts: Option<Vec<ProjectArtifacts>>,
    pub cache: Option<ProjectCache>,
    pub environment: Option<ProjectEnvironment>,
    pub service_role: Option<String>,
    pub timeout_in_minutes: Option<u32>,
    pub queued_timeout_in_minutes: Option<u32>,
    pub encryption_key: Option<String>,
    pub tags: Option<Vec<Tag>>,
    pub logs_config: Option<LogsConfig>,
    pub badge_enabled: Option<bool>,
    pub build_batch_config: Option<BuildBatchConfig>,
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

/// Changes a project.
pub async fn update_project(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check::unsupported_members(&input.rest, UNSUPPORTED)?;
    check::build_limit(input.concurrent_build_limit)?;
    check::retry_limit(input.auto_retry_limit)?;
    let (cx_in, name) = (cx.clone(), name_of(cx.scope(), &input.name).to_owned());
    let row = cx
        .store
        .write(move |tx| {
            let (cx, name, input) = (cx_in.clone(), name.clone(), input.clone());
            Box::pin(async move {
                let missing = || errors::project_not_found(&cx.arn("codebuild", format!("project/{name}")));
                let row = find(tx, cx.scope(), &name).await?.ok_or_else(missing)?;
                let role = input.service_role.clone();
                let project = changed(parse(&row)?, input);
                check::project(&cx, &project)?;
                if let Some(role) = role {
                    check::role_exists(tx, &cx, &role).await?;
                }
                let project_limit = project.concurrent_build_limit;
                let config = project.with_defaults(&cx).to_json()?;
                codebuild_project::update(tx, cx.scope(), &name, &config).await?;
                let limit = QueueInput::Project { name: name.clone(), limit: project_limit };
                queue::tell(tx, cx.scope(), limit).await?;
                codebuild_project::get(tx, cx.scope(), &name).await?.ok_or_else(missing)
            })
        })
        .await?;
    Ok(Output { project: view(cx.scope(), &cx.site.endpoint, &row) })
}

fn changed(mut project: Project, input: Input) -> Project {
    macro_rules! take {
        ($($member:ident),*) => { $(if let Some(value) = input.$member { project.$member = value; })* };
    }
    take!(
        source,
        secondary_sources,
        secondary_source_versions,
        artifacts,
        secondary_artifacts,
        cache,
        environment,
        service_role,
        timeout_in_minutes,
        queued_timeout_in_minutes,
        tags,
        badge_enabled
    );
    if let Some(key) = input.encryption_key {
        project.encryption_key = key;
    }
    // An empty text clears.
    if let Some(text) = input.description {
        project.description = Some(text).filter(|t| !t.is_empty());
    }
    if let Some(version) = input.source_version {
        project.source_version = Some(version).filter(|t| !t.is_empty());
    }
    if let Some(logs) = input.logs_config {
        project.logs_config = Some(logs);
    }
    // -1 clears.
    if let Some(limit) = input.concurrent_build_limit {
        project.concurrent_build_limit = u32::try_from(limit).ok();
    }
    if let Some(limit) = input.auto_retry_limit {
        project.auto_retry_limit = u32::try_from(limit).ok();
    }
    // An empty structure clears.
    if let Some(config) = input.build_batch_config {
        project.build_batch_config = Some(config).filter(|config| *config != BuildBatchConfig::default());
    }
    project
}
