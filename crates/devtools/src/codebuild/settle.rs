//! From a project and what StartBuild overrides to everything that a build needs to know.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{ApiError, Arn, Timestamp};
use engine::build::{
    ArtifactTarget, AutoRetry, BuildspecFrom, EnvironmentVariable, GitSource, Logs, Parent, Place, Purpose, Request,
    Source, SourceKind, VariableKind,
};
use engine::build_queue::{FleetLimit, FleetSlots, Limits, Overflow};
use platform::Cx;
use serde_json::{Value, json};

use super::check;
use super::errors::invalid;
use super::project::Project;
use super::shapes::{LogsConfig, ProjectArtifacts, ProjectSource, asks};

/// What makes one build of a project differ from another.
pub(super) struct Particulars {
    pub uuid: String,
    pub initiator: String,
    pub parent: Option<Parent>,
    pub submitted: Timestamp,
}

/// Settles a build. `project` has all overrides applied; the number is set when the row is made.
pub(super) fn settle(cx: &Cx, project: &Project, this: Particulars) -> Result<Request, ApiError> {
    let Particulars { uuid, initiator, parent, submitted } = this;
    // Whoever waits for a build hears its end, not that of one in its place.
    let of_pipeline = parent.is_some();
    let source = source(cx, &project.source, project.source_version.clone())?;
    let version_of = |identifier: Option<&str>| {
        let found = project.secondary_source_versions.iter().find(|v| v.source_identifier.as_deref() == identifier);
        found.and_then(|v| v.source_version.clone())
    };
    let mut secondary_sources = Vec::new();
    for secondary in &project.secondary_sources {
        let mut settled = self::source(cx, secondary, version_of(secondary.source_identifier.as_deref()))?;
        settled.identifier = secondary.source_identifier.clone();
        secondary_sources.push(settled);
    }
    let environment = &project.environment;
    let compute_type = environment.compute_type.clone().unwrap_or_default();
    Ok(Request {
        id: format!("{}:{uuid}", project.name),
        scope: cx.scope().clone(),
        project: project.name.clone(),
        number: 0,
        submitted,
        initiator,
        buildspec: buildspec(project.source.buildspec.as_deref(), project.source.kind())?,
        source,
        secondary_sources,
        image: environment.image.clone().unwrap_or_default(),
        limits: engine::build::limits(&compute_type),
        compute_type,
        environment_type: environment.r#type.clone().unwrap_or_default(),
        privileged: environment.privileged_mode.unwrap_or(false),
        variables: variables(project),
        artifacts: target(&project.artifacts, &project.name),
        secondary_artifacts: project.secondary_artifacts.iter().map(|a| target(a, &project.name)).collect(),
        logs: logs(project.logs_config.as_ref(), &project.name, &uuid),
        timeout_minutes: project.timeout_in_minutes,
        queued_timeout_minutes: project.queued_timeout_in_minutes,
        encryption_key: project.encryption_key.clone(),
        endpoint: cx.site.endpoint.clone(),
        work_dir: cx.site.data_dir.join("builds").join(&uuid),
        lenient_runtimes: cx.site.lenient_runtimes,
        echo: json!({
            "source": project.source,
            "secondarySources": project.secondary_sources,
            "secondarySourceVersions": project.secondary_source_versions,
            "cache": project.cache,
            "environment": project.environment,
            "serviceRole": project.service_role,
            "logsConfig": project.logs_config,
            // What was asked for; BatchGetBuilds shows what became of it.
            "artifacts": project.artifacts,
            "secondaryArtifacts": project.secondary_artifacts,
        }),
        uuid,
        parent,
        pipeline_region: None,
        last_phase: None,
        batch: None,
        limited_by: limited_by(cx, project),
        auto_retry: project.auto_retry_limit.filter(|limit| *limit > 0 && !of_pipeline).map(|limit| AutoRetry {
            limit,
            number: 0,
            previous: None,
        }),
        published: BTreeMap::new(),
        is_proposed: false,
        branch: None,
        purpose: Purpose::Build,
        debug_session: false,
    })
}

/// What a fleet holds is looked up when the build is made.
fn limited_by(cx: &Cx, project: &Project) -> Limits {
    let fleet = project.environment.fleet.as_ref().and_then(|fleet| fleet.fleet_arn.clone());
    let slots = FleetSlots { capacity: 0, overflow: Overflow::Queue };
    Limits {
        account: cx.site.max_builds,
        project: project.concurrent_build_limit,
        fleet: fleet.filter(|arn| !arn.is_empty()).map(|arn| FleetLimit { arn, slots }),
    }
}

/// The repository that a CodeCommit clone URL names.
pub(super) fn repository(location: &str) -> Option<String> {
    let (_, name) = location.split_once("/v1/repos/")?;
    let name = name.trim_end_matches('/');
    let name = name.strip_suffix(".git").unwrap_or(name);
    (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
}

/// Not given, 0 or more than 25: the whole history.
fn depth(source: &ProjectSource) -> Option<u32> {
    source.git_clone_depth.and_then(|depth| u32::try_from(depth).ok()).filter(|depth| (1..=25).contains(depth))
}

fn source(cx: &Cx, source: &ProjectSource, version: Option<String>) -> Result<Source, ApiError> {
    let location = source.location.clone().unwrap_or_default();
    let kind = match source.kind() {
        "NO_SOURCE" => SourceKind::NoSource,
        "CODECOMMIT" => {
            let bad = || invalid(format!("Invalid project source: {location} is not a CodeCommit clone URL"));
            let repository = repository(&location).ok_or_else(bad)?;
            let submodules = asks(source.git_submodules_config.as_ref());
            SourceKind::CodeCommit { repository, location: location.clone(), depth: depth(source), submodules }
        }
        "S3" => SourceKind::S3(
            place(&location).ok_or_else(|| invalid(format!("Invalid project source: {location} is not in S3")))?,
        ),
        "LOCAL" => SourceKind::Local { folder: local(cx, &location)?, in_place: cx.site.builds_in_place },
        // The caller puts the pipeline's artifacts in its place.
        "CODEPIPELINE" => SourceKind::NoSource,
        provider if check::GIT_PROVIDERS.contains(&provider) => SourceKind::Git(GitSource {
            provider: provider.to_owned(),
            location,
            depth: depth(source),
            submodules: asks(source.git_submodules_config.as_ref()),
            insecure_tls: source.insecure_ssl.unwrap_or(false),
            secret: source
                .auth
                .as_ref()
                .filter(|auth| auth.get("type").and_then(Value::as_str) == Some("SECRETS_MANAGER"))
                .and_then(|auth| auth.get("resource").and_then(Value::as_str).map(str::to_owned)),
        }),
        other => return Err(super::errors::unsupported(&format!("source type {other}"))),
    };
    Ok(Source { identifier: None, kind, version: version.filter(|v| !v.is_empty()) })
}

/// A folder that the installation was told to have builds of. Anything else would let clients read this machine's files.
pub(super) fn local(cx: &Cx, location: &str) -> Result<PathBuf, ApiError> {
    let folder = cx.site.local_sources.iter().find(|folder| folder.as_os_str() == location);
    folder.cloned().ok_or_else(|| invalid("Invalid type provided: Project source type"))
}

/// `bucket/key`, with or without `arn:aws:s3:::` before it.
fn place(location: &str) -> Option<Place> {
    let path = Arn::parse(location).filter(|a| a.service == "s3").map_or(location.to_owned(), |a| a.resource);
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    (!bucket.is_empty()).then(|| Place { bucket: bucket.to_owned(), key: key.to_owned() })
}

fn buildspec(text: Option<&str>, source_type: &str) -> Result<BuildspecFrom, ApiError> {
    let text = text.filter(|text| !text.is_empty()).unwrap_or("buildspec.yml");
    let bad = || invalid(format!("Invalid buildspec: {text} is not the ARN of an S3 object"));
    let from = BuildspecFrom::of(text).ok_or_else(bad)?;
    if source_type == "NO_SOURCE" && matches!(from, BuildspecFrom::File(_)) {
        return Err(invalid("Invalid project source: source type NO_SOURCE requires an inline buildspec"));
    }
    Ok(from)
}

fn variables(project: &Project) -> Vec<EnvironmentVariable> {
    let given = project.environment.environment_variables.iter().flatten();
    given
        .map(|v| EnvironmentVariable {
            name: v.name.clone().unwrap_or_default(),
            value: v.value.clone().unwrap_or_default(),
            kind: match v.r#type.as_deref() {
                Some("PARAMETER_STORE") => VariableKind::ParameterStore,
                Some("SECRETS_MANAGER") => VariableKind::SecretsManager,
                Some(_) | None => VariableKind::Plaintext,
            },
        })
        .collect()
}

fn target(artifacts: &ProjectArtifacts, project: &str) -> ArtifactTarget {
    let location = artifacts.location.as_deref().unwrap_or_default();
    match (artifacts.kind(), place(location)) {
        ("S3", Some(Place { bucket, key: _ })) => ArtifactTarget::S3 {
            identifier: artifacts.artifact_identifier.clone(),
            bucket,
            path: artifacts.path.clone().unwrap_or_default(),
            by_build_id: artifacts.namespace_type.as_deref() == Some("BUILD_ID"),
            name: artifacts.name.clone().unwrap_or_else(|| project.to_owned()),
            override_name: artifacts.override_artifact_name.unwrap_or(false),
            zip: artifacts.packaging.as_deref() == Some("ZIP"),
        },
        _ => ArtifactTarget::NoArtifacts,
    }
}

fn logs(config: Option<&LogsConfig>, project: &str, uuid: &str) -> Logs {
    let cloud_watch = config.and_then(|c| c.cloud_watch_logs.as_ref());
    if cloud_watch.and_then(|c| c.status.as_deref()) == Some("DISABLED") {
        return Logs::Disabled;
    }
    let group = cloud_watch.and_then(|c| c.group_name.clone()).filter(|g| !g.is_empty());
    let prefix = cloud_watch.and_then(|c| c.stream_name.clone()).filter(|s| !s.is_empty());
    Logs::CloudWatch {
        group: group.unwrap_or_else(|| format!("/aws/codebuild/{project}")),
        stream: prefix.map_or(uuid.to_owned(), |prefix| format!("{prefix}/{uuid}")),
    }
}

/// `initiator` of a build: the user's name, or the role and session.
pub(super) fn initiator(cx: &Cx) -> String {
    let arn = &cx.caller.principal.arn;
    let resource = Arn::parse(arn).map_or(arn.clone(), |a| a.resource);
    resource.strip_prefix("user/").or_else(|| resource.strip_prefix("assumed-role/")).unwrap_or(&resource).to_owned()
}
