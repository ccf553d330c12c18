//! A project as it is stored and shown.

use base::Scope;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::Tx;
use store::tables::codebuild_project;

use super::shapes::{
    BuildBatchConfig, LogsConfig, ProjectArtifacts, ProjectCache, ProjectEnvironment, ProjectSource,
    ProjectSourceVersion, Tag,
};
use base::ApiError;

/// The stored part of `Project`, with all defaults filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Project {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub source: ProjectSource,
    #[serde(default)]
    pub secondary_sources: Vec<ProjectSource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    #[serde(default)]
    pub secondary_source_versions: Vec<ProjectSourceVersion>,
    pub artifacts: ProjectArtifacts,
    #[serde(default)]
    pub secondary_artifacts: Vec<ProjectArtifacts>,
    pub cache: ProjectCache,
    pub environment: ProjectEnvironment,
    pub service_role: String,
    pub timeout_in_minutes: u32,
    pub queued_timeout_in_minutes: u32,
    pub encryption_key: String,
    #[serde(default)]
    pub tags: Vec<Tag>,
    #[serde(default)]
    pub badge_enabled: bool,
    /// What makes the badge's address known to those alone who were told it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub badge_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs_config: Option<LogsConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_batch_config: Option<BuildBatchConfig>,
    /// Absent: as many as there is room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrent_build_limit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_retry_limit: Option<u32>,
}

/// The row of a project given by name or ARN.
pub(super) async fn find(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<codebuild_project::Row>, ApiError> {
    Ok(codebuild_project::get(tx, scope, name_of(scope, name)).await?)
}

/// Clients (the Terraform provider is one) give ARNs where names are asked for.
pub(super) fn name_of<'n>(scope: &Scope, name: &'n str) -> &'n str {
    let prefix = scope.arn("codebuild", "project/").to_string();
    name.strip_prefix(&prefix).unwrap_or(name)
}

/// The row's project.
pub(super) fn parse(row: &codebuild_project::Row) -> Result<Project, ApiError> {
    Project::deserialize(&*row.config).map_err(ApiError::internal)
}

/// `Project` of the API.
pub(super) fn view(scope: &Scope, endpoint: &str, row: &codebuild_project::Row) -> Value {
    let mut project = Value::clone(&row.config);
    project["arn"] = json!(scope.arn("codebuild", format!("project/{}", row.name)));
    project["created"] = json!(row.created);
    project["lastModified"] = json!(row.modified);
    if let Some(members) = project.as_object_mut() {
        members.remove("badgeEnabled");
        members.remove("badgeToken");
    }
    project["badge"] = super::badge::view(endpoint, scope, &row.name, &row.config);
    project["projectVisibility"] = json!("PRIVATE");
    project
}

impl Project {
    /// As JSON for the store.
    pub fn to_json(&self) -> Result<Value, ApiError> {
        serde_json::to_value(self).map_err(ApiError::internal)
    }

    /// Fills in what the service answers when the client said nothing.
    pub fn with_defaults(mut self, cx: &Cx) -> Self {
        if self.encryption_key.is_empty() {
            self.encryption_key = cx.arn("kms", "alias/aws/s3").to_string();
        }
        if self.badge_enabled && self.badge_token.is_empty() {
            self.badge_token = cx.ids.uuid().to_string();
        }
        let environment = &mut self.environment;
        environment.privileged_mode.get_or_insert(false);
        environment.image_pull_credentials_type.get_or_insert_with(|| "CODEBUILD".to_owned());
        for variable in environment.environment_variables.get_or_insert_default() {
            variable.r#type.get_or_insert_with(|| "PLAINTEXT".to_owned());
        }
        self.cache.r#type.get_or_insert_with(|| "NO_CACHE".to_owned());
        for source in std::iter::once(&mut self.source).chain(&mut self.secondary_sources) {
            source.insecure_ssl.get_or_insert(false);
        }
        let name = self.name.clone();
        for artifacts in std::iter::once(&mut self.artifacts).chain(&mut self.secondary_artifacts) {
            match artifacts.kind() {
                "S3" => {
                    artifacts.encryption_disabled.get_or_insert(false);
                    artifacts.packaging.get_or_insert_with(|| "NONE".to_owned());
                    artifacts.namespace_type.get_or_insert_with(|| "NONE".to_owned());
                    artifacts.name.get_or_insert_with(|| name.clone());
                }
                "CODEPIPELINE" => {
                    artifacts.encryption_disabled.get_or_insert(false);
                    artifacts.packaging.get_or_insert_with(|| "NONE".to_owned());
                    artifacts.name.get_or_insert_with(|| name.clone());
                }
                // The Terraform provider sees a difference in anything more.
                _ => {}
            }
        }
        let logs = self.logs_config.get_or_insert_default();
        logs.cloud_watch_logs.get_or_insert_default().status.get_or_insert_with(|| "ENABLED".to_owned());
        let s3 = logs.s3_logs.get_or_insert_default();
        s3.status.get_or_insert_with(|| "DISABLED".to_owned());
        s3.encryption_disabled.get_or_insert(false);
        self
    }
}
