//! The shapes that requests and answers share, with the model's member names.

use serde::{Deserialize, Serialize};
use serde_json::Value;

macro_rules! shape {
    ($(#[$doc:meta])* $name:ident { $($member:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(#[serde(skip_serializing_if = "Option::is_none")] pub $member: Option<$type>,)*
        }
    };
}

shape! {
    /// `ProjectSource`.
    ProjectSource {
        r#type: String,
        location: String,
        git_clone_depth: i64,
        git_submodules_config: Value,
        buildspec: String,
        auth: Value,
        report_build_status: bool,
        build_status_config: Value,
        insecure_ssl: bool,
        source_identifier: String,
    }
}

shape! {
    /// `ProjectSourceVersion`.
    ProjectSourceVersion { source_identifier: String, source_version: String, }
}

shape! {
    /// `ProjectArtifacts`.
    ProjectArtifacts {
        r#type: String,
        location: String,
        path: String,
        namespace_type: String,
        name: String,
        packaging: String,
        override_artifact_name: bool,
        encryption_disabled: bool,
        artifact_identifier: String,
        bucket_owner_access: String,
    }
}

shape! {
    /// `ProjectEnvironment`.
    ProjectEnvironment {
        r#type: String,
        image: String,
        compute_type: String,
        compute_configuration: Value,
        fleet: ProjectFleet,
        environment_variables: Vec<EnvironmentVariable>,
        privileged_mode: bool,
        certificate: String,
        registry_credential: Value,
        image_pull_credentials_type: String,
        docker_server: Value,
        host_kernel: String,
    }
}

shape! {
    /// `ProjectFleet`.
    ProjectFleet { fleet_arn: String, }
}

shape! {
    /// `EnvironmentVariable`.
    EnvironmentVariable { name: String, value: String, r#type: String, }
}

shape! {
    /// `ProjectCache`.
    ProjectCache { r#type: String, location: String, modes: Vec<String>, cache_namespace: String, }
}

shape! {
    /// `LogsConfig`.
    LogsConfig { cloud_watch_logs: CloudWatchLogsConfig, s3_logs: S3LogsConfig, }
}

shape! {
    /// `CloudWatchLogsConfig`.
    CloudWatchLogsConfig { status: String, group_name: String, stream_name: String, }
}

shape! {
    /// `S3LogsConfig`.
    S3LogsConfig { status: String, location: String, encryption_disabled: bool, bucket_owner_access: String, }
}

shape! {
    /// `ProjectBuildBatchConfig`.
    BuildBatchConfig {
        service_role: String,
        combine_artifacts: bool,
        restrictions: BatchRestrictions,
        timeout_in_mins: u32,
        batch_report_mode: String,
    }
}

shape! {
    /// `BatchRestrictions`.
    BatchRestrictions {
        maximum_builds_allowed: u32,
        compute_types_allowed: Vec<String>,
        fleets_allowed: Vec<String>,
    }
}

shape! {
    /// `Tag`.
    Tag { key: String, value: String, }
}

impl ProjectSource {
    /// The type; the model requires it.
    pub fn kind(&self) -> &str {
        self.r#type.as_deref().unwrap_or_default()
    }
}

impl ProjectArtifacts {
    /// The type; the model requires it.
    pub fn kind(&self) -> &str {
        self.r#type.as_deref().unwrap_or_default()
    }
}

/// True for a member that asks for something: not absent, null, false, empty or 0.
pub(super) fn asks(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(Value::Number(n)) => n.as_f64().is_some_and(|n| n > 0.0),
        Some(Value::String(s)) => !s.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(members)) => members.values().any(|v| asks(Some(v))),
    }
}
