//! What a project must hold; the wording is AWS's where it is known.

use base::{ApiError, Arn};
use platform::Cx;
use serde_json::Value;
use store::Tx;

use super::errors::{invalid, unsupported};
use super::project::Project;
use super::shapes::{
    BuildBatchConfig, LogsConfig, ProjectArtifacts, ProjectCache, ProjectEnvironment, ProjectSource, asks,
};

/// Checks a whole project.
pub(super) fn project(cx: &Cx, project: &Project) -> Result<(), ApiError> {
    name(&project.name)?;
    source(cx, &project.source)?;
    for secondary in &project.secondary_sources {
        identifier(secondary.source_identifier.as_deref())?;
        source(cx, secondary)?;
    }
    artifacts(&project.artifacts)?;
    for secondary in &project.secondary_artifacts {
        identifier(secondary.artifact_identifier.as_deref())?;
        artifacts(secondary)?;
    }
    if (project.source.kind() == "CODEPIPELINE") != (project.artifacts.kind() == "CODEPIPELINE") {
        return Err(invalid("Invalid artifacts: source type and artifact type must both be CODEPIPELINE or neither"));
    }
    environment(&project.environment)?;
    role(cx, &project.service_role)?;
    timeouts(project.timeout_in_minutes, project.queued_timeout_in_minutes)?;
    if let Some(config) = &project.build_batch_config {
        batch_config(cx, config)?;
    }
    if project.description.as_ref().is_some_and(|d| d.chars().count() > 255) {
        return Err(invalid("Invalid project description: description must be at most 255 characters"));
    }
    cache(&project.cache)?;
    if project.badge_enabled && project.source.kind() == "CODEPIPELINE" {
        return Err(invalid("Invalid input: build badges are not supported for the source type CODEPIPELINE"));
    }
    logs(project.logs_config.as_ref())
}

pub(super) fn cache(cache: &ProjectCache) -> Result<(), ApiError> {
    let empty = |text: Option<&String>| text.is_none_or(String::is_empty);
    match cache.r#type.as_deref() {
        Some("S3") if empty(cache.location.as_ref()) => {
            Err(invalid("Invalid cache: location is required for S3 cache"))
        }
        Some("LOCAL") if cache.modes.as_ref().is_none_or(Vec::is_empty) => {
            Err(invalid("Invalid cache: at least one mode is required for LOCAL cache"))
        }
        _ => Ok(()),
    }
}

pub(super) fn name(name: &str) -> Result<(), ApiError> {
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !first || !rest {
        return Err(invalid("Invalid project name: Only alphanumeric characters, dash, and underscore are supported"));
    }
    if !(2..=150).contains(&name.len()) {
        return Err(invalid("Invalid project name: the name must have 2 to 150 characters"));
    }
    Ok(())
}

pub(super) fn source(cx: &Cx, source: &ProjectSource) -> Result<(), ApiError> {
    let location = source.location.as_deref().unwrap_or_default();
    match source.kind() {
        "CODECOMMIT" if location.is_empty() => Err(invalid("Project source location is required")),
        "CODECOMMIT" if super::settle::repository(location).is_none() => {
            Err(invalid(format!("Invalid project source: {location} is not a CodeCommit repository's clone URL")))
        }
        "S3" if location.is_empty() => Err(invalid("Project source location is required")),
        "S3" if !location.contains('/') => {
            Err(invalid("Invalid project source: an S3 location has the form bucket/path/object.zip or bucket/folder/"))
        }
        "NO_SOURCE" if source.buildspec.as_deref().unwrap_or_default().is_empty() => {
            Err(invalid("Invalid project source: source type NO_SOURCE requires an inline buildspec"))
        }
        "CODECOMMIT" | "S3" | "NO_SOURCE" | "CODEPIPELINE" => Ok(()),
        "LOCAL" => super::settle::local(cx, location).map(|_| ()),
        provider if GIT_PROVIDERS.contains(&provider) => git_location(location),
        _ => Err(invalid("Invalid type provided: Project source type")),
    }?;
    let is_remote = GIT_PROVIDERS.contains(&source.kind());
    if !is_remote && source.kind() != "CODECOMMIT" && asks(source.git_submodules_config.as_ref()) {
        return Err(unsupported(&format!("source.gitSubmodulesConfig with source type {}", source.kind())));
    }
    if let Some(auth) = source.auth.as_ref().filter(|auth| is_remote && asks(Some(auth))) {
        match auth.get("type").and_then(Value::as_str).unwrap_or_default() {
            // OAUTH stands for the credentials of ImportSourceCredentials, which are used in any case.
            // Deviation: there are no connections, so CODECONNECTIONS is refused.
            "OAUTH" | "SECRETS_MANAGER" => {}
            other => return Err(unsupported(&format!("source.auth.type {other}"))),
        }
    }
    // AWS reports to GitHub, GitLab and Bitbucket only, and refuses it for all other sources.
    // Deviation: no status is reported to them, so that is refused, too.
    if source.report_build_status == Some(true) && !is_remote {
        let kind = source.kind();
        return Err(invalid(format!(
            "Invalid project source: reportBuildStatus is not supported for source type {kind}"
        )));
    }
    for (member, value) in [
        ("source.reportBuildStatus", source.report_build_status == Some(true)),
        ("source.buildStatusConfig", asks(source.build_status_config.as_ref())),
    ] {
        if value && is_remote {
            return Err(unsupported(member));
        }
    }
    Ok(())
}

/// Source types that are git repositories elsewhere.
pub(super) const GIT_PROVIDERS: &[&str] =
    &["BITBUCKET", "GITHUB", "GITHUB_ENTERPRISE", "GITLAB", "GITLAB_SELF_MANAGED"];

/// A clone URL. Any host will do: Gitea, say, is a GITHUB_ENTERPRISE.
fn git_location(location: &str) -> Result<(), ApiError> {
    let path = location.strip_prefix("https://").or_else(|| location.strip_prefix("http://")).unwrap_or_default();
    let (host, name) = path.split_once('/').unwrap_or_default();
    if host.is_empty() || name.is_empty() || host.contains('@') || location.chars().any(|c| !c.is_ascii_graphic()) {
        return Err(invalid(format!(
            "Invalid project source: location must be the https URL of a repository, without a user, not {location:?}"
        )));
    }
    Ok(())
}

pub(super) fn artifacts(artifacts: &ProjectArtifacts) -> Result<(), ApiError> {
    let location = artifacts.location.as_deref().unwrap_or_default();
    match artifacts.kind() {
        "NO_ARTIFACTS" if !location.is_empty() => {
            Err(invalid("Invalid artifacts: artifact type NO_ARTIFACTS should have null location"))
        }
        "S3" if location.is_empty() => Err(invalid("Invalid artifacts: artifact location is required")),
        "NO_ARTIFACTS" | "S3" | "CODEPIPELINE" => Ok(()),
        _ => Err(invalid("Invalid type provided: Artifact type")),
    }
}

fn identifier(identifier: Option<&str>) -> Result<(), ApiError> {
    let text = identifier.unwrap_or_default();
    let good = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if text.is_empty() || text.len() >= 128 || !good {
        return Err(invalid(
            "Invalid input: identifier must contain only alphanumeric characters and underscores and be less than 128 \
             characters in length",
        ));
    }
    Ok(())
}

pub(super) fn environment(environment: &ProjectEnvironment) -> Result<(), ApiError> {
    let kind = environment.r#type.as_deref().unwrap_or_default();
    environment_of(kind, environment.compute_type.as_deref().unwrap_or_default())?;
    // Deviation: these are refused: instances to choose from, a Docker server that outlives builds, and authorities from S3.
    for (member, value) in [
        ("environment.computeConfiguration", &environment.compute_configuration),
        ("environment.dockerServer", &environment.docker_server),
    ] {
        if asks(value.as_ref()) {
            return Err(unsupported(member));
        }
    }
    if environment.certificate.as_ref().is_some_and(|c| !c.is_empty()) {
        return Err(unsupported("environment.certificate"));
    }
    let is_curated = environment.image.as_deref().is_some_and(|image| image.starts_with("aws/codebuild/"));
    if is_curated && environment.image_pull_credentials_type.as_deref() == Some("SERVICE_ROLE") {
        return Err(invalid(
            "Invalid input: cannot use a CodeBuild curated image with imagePullCredentialsType SERVICE_ROLE",
        ));
    }
    if asks(environment.registry_credential.as_ref()) {
        let member = |name: &str| environment.registry_credential.as_ref().and_then(|c| c.get(name)?.as_str());
        if member("credential").is_none_or(str::is_empty) {
            return Err(invalid("Invalid registry credential: credential must be the name or the ARN of a secret"));
        }
        if member("credentialProvider") != Some("SECRETS_MANAGER") {
            return Err(invalid("Invalid registry credential: credentialProvider must be SECRETS_MANAGER"));
        }
        if is_curated {
            return Err(invalid(
                "Invalid registry credential: CodeBuild curated images are pulled without credentials",
            ));
        }
    }
    for variable in environment.environment_variables.iter().flatten() {
        variable_name(variable.name.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

/// The environment and compute types that builds can have here.
///
/// Deviation: builds run on Linux, on this machine: types for Windows, macOS, Lambda, EC2 and GPUs are refused, as are compute
/// types that choose an instance (ATTRIBUTE_BASED_COMPUTE, CUSTOM_INSTANCE_TYPE).
pub(super) fn environment_of(kind: &str, compute_type: &str) -> Result<(), ApiError> {
    if !matches!(kind, "LINUX_CONTAINER" | "ARM_CONTAINER") {
        return Err(unsupported(&format!("environment type {kind}")));
    }
    if !compute_type.starts_with("BUILD_GENERAL1_") {
        return Err(unsupported(&format!("compute type {compute_type}")));
    }
    Ok(())
}

pub(super) fn variable_name(name: &str) -> Result<(), ApiError> {
    let good = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(invalid(format!("Invalid environment variable name: {name}")));
    }
    Ok(())
}

pub(super) fn role(cx: &Cx, role: &str) -> Result<(), ApiError> {
    let arn = Arn::parse(role).filter(|a| a.service == "iam" && a.resource.starts_with("role/"));
    match arn {
        None => Err(invalid("Invalid service role")),
        Some(arn) if arn.account != cx.scope().account.as_str() => {
            Err(invalid("Invalid service role: Service role account ID does not match caller's account"))
        }
        Some(_) => Ok(()),
    }
}

/// The role of a project must be there, so that a mistake shows here and not in the first build.
pub(super) async fn role_exists(tx: &mut Tx, cx: &Cx, role: &str) -> Result<(), ApiError> {
    match platform::iam::role_may_exist(tx, cx, role).await? {
        true => Ok(()),
        false => Err(invalid(format!("CodeBuild is not authorized to perform: sts:AssumeRole on {role}"))),
    }
}

pub(super) fn timeouts(build: u32, queued: u32) -> Result<(), ApiError> {
    if !(5..=2160).contains(&build) {
        return Err(invalid("Invalid timeout: timeoutInMinutes must be between 5 and 2160"));
    }
    if !(5..=480).contains(&queued) {
        return Err(invalid("Invalid timeout: queuedTimeoutInMinutes must be between 5 and 480"));
    }
    Ok(())
}

/// `concurrentBuildLimit`; -1 is none.
pub(super) fn build_limit(limit: Option<i64>) -> Result<Option<u32>, ApiError> {
    match limit {
        None | Some(-1) => Ok(None),
        Some(limit) => match u32::try_from(limit) {
            Ok(limit) if limit > 0 => Ok(Some(limit)),
            Ok(_) | Err(_) => Err(invalid("Invalid concurrentBuildLimit: it must be at least 1, or -1 for none")),
        },
    }
}

/// `autoRetryLimit`.
pub(super) fn retry_limit(limit: Option<i64>) -> Result<Option<u32>, ApiError> {
    let Some(limit) = limit else { return Ok(None) };
    match u32::try_from(limit) {
        Ok(limit) if limit <= 10 => Ok(Some(limit)),
        Ok(_) | Err(_) => Err(invalid("Invalid autoRetryLimit: it must be between 0 and 10")),
    }
}

pub(super) fn batch_config(cx: &Cx, config: &BuildBatchConfig) -> Result<(), ApiError> {
    if let Some(role) = &config.service_role {
        self::role(cx, role)?;
    }
    if config.timeout_in_mins.is_some_and(|minutes| !(5..=2160).contains(&minutes)) {
        return Err(invalid("Invalid timeout: timeoutInMins must be between 5 and 2160"));
    }
    let restrictions = config.restrictions.clone().unwrap_or_default();
    if restrictions.maximum_builds_allowed.is_some_and(|most| !(1..=2_000).contains(&most)) {
        return Err(invalid("Invalid batch restrictions: maximumBuildsAllowed must be between 1 and 2000"));
    }
    if restrictions.compute_types_allowed.is_some_and(|types| types.iter().any(|t| !t.starts_with("BUILD_"))) {
        return Err(invalid(
            "Invalid batch restrictions: computeTypesAllowed names a compute type that does not exist",
        ));
    }
    // Deviation: nothing is reported of batches.
    if config.batch_report_mode.as_deref() == Some("REPORT_AGGREGATED_BATCH") {
        return Err(unsupported("buildBatchConfig.batchReportMode REPORT_AGGREGATED_BATCH"));
    }
    Ok(())
}

pub(super) fn logs(logs: Option<&LogsConfig>) -> Result<(), ApiError> {
    let Some(logs) = logs else { return Ok(()) };
    let s3 = logs.s3_logs.as_ref().filter(|s3| s3.status.as_deref() == Some("ENABLED"));
    if s3.is_some_and(|s3| s3.location.as_deref().unwrap_or_default().is_empty()) {
        return Err(invalid("Invalid logs config: a location is required when S3 logs are enabled"));
    }
    Ok(())
}

/// Refuses members that ask for what we do not do.
pub(super) fn unsupported_members(rest: &serde_json::Map<String, Value>, names: &[&str]) -> Result<(), ApiError> {
    match names.iter().find(|name| asks(rest.get(**name))) {
        Some(name) => Err(unsupported(name)),
        None => Ok(()),
    }
}
