//! From a buildspec and a request to a job.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{JobHold, JobSpec, JobStep, StepFailure, StepRetry};
use formats::buildspec::{self, Buildspec, OnFailure, PhaseName, Retry, Shell, Version};
use serde::{Deserialize, Serialize};

use super::reference::{Reference, references};
use super::results::{self, CachePlan, ReportPlan};
use super::{ArtifactPlan, Context, Phase, Purpose, Request, artifacts, git_credentials, outside, runtimes, unheeded};

/// What is decided before the job runs and needed after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub artifacts: Vec<ArtifactPlan>,
    /// Why UPLOAD_ARTIFACTS will fail, when that is known already.
    pub artifact_problem: Option<Context>,
    /// The variables that the buildspec exports.
    pub exported: Vec<String>,
    /// Paths of artifacts that the shell expands, and the variables that then hold them.
    #[serde(default)]
    pub path_variables: Vec<(String, String)>,
    /// The variables whose values are read when the job starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<ReportPlan>,
    /// Pattern of files that may be reports, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discover: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CachePlan>,
    /// Lines about the cache for the log.
    #[serde(skip)]
    pub notes: Vec<String>,
}

impl Plan {
    /// The cache, if the build begins with what is in it.
    pub(super) fn restored_cache(&self) -> Option<Box<CachePlan>> {
        self.cache.clone().filter(|cache| cache.restores).map(Box::new)
    }
}

/// Where the sources are, and which versions they have.
#[derive(Clone, Debug, Default)]
pub struct SourceDirs {
    pub primary: PathBuf,
    /// Identifier and folder.
    pub secondary: Vec<(String, PathBuf)>,
    pub resolved_version: Option<String>,
    pub secondary_versions: BTreeMap<String, String>,
}

impl SourceDirs {
    /// The folders that a request gives its sources.
    pub fn of(request: &Request) -> Self {
        let folder = |(i, source): (usize, &super::Source)| {
            (source.identifier.clone().unwrap_or_default(), request.secondary_dir(i))
        };
        SourceDirs {
            primary: request.source_dir(),
            secondary: request.secondary_sources.iter().enumerate().map(folder).collect(),
            resolved_version: None,
            secondary_versions: BTreeMap::new(),
        }
    }
}

/// Why a build cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    pub context: Context,
    /// All findings in the buildspec, a line each.
    pub findings: Vec<String>,
}

/// Reads the buildspec's text and plans the job. The last part is what the log begins with.
pub(super) fn plan_text(
    request: &Request,
    dirs: &SourceDirs,
    text: &str,
) -> Result<(Plan, JobSpec, Vec<String>), PlanError> {
    if request.purpose == Purpose::Sandbox {
        let planned = sandbox(request, dirs).map_err(|context| PlanError { context, findings: Vec::new() });
        return planned.map(|(plan, job)| (plan, job, without_effect(request)));
    }
    let (spec, diagnostics) = buildspec::read(text);
    let file = request.buildspec.name();
    let findings: Vec<String> = diagnostics.iter().map(|d| d.in_file(file).to_string()).collect();
    let Some(spec) = spec else {
        let first =
            diagnostics.iter().filter(|d| d.is_error()).map(|d| d.in_file(file).to_string()).collect::<Vec<_>>();
        return Err(PlanError { context: Context::new("YAML_FILE_ERROR", first.join("\n")), findings });
    };
    let (mut plan, job) =
        compile(request, dirs, &spec).map_err(|context| PlanError { context, findings: findings.clone() })?;
    let mut preamble = without_effect(request);
    preamble.extend(findings);
    preamble.extend(sections_without_effect(request, &spec));
    preamble.append(&mut plan.notes);
    Ok((plan, job, preamble))
}

/// Plans the job of a sandbox: the environment of a build, and in it whatever is ordered.
fn sandbox(request: &Request, dirs: &SourceDirs) -> Result<(Plan, JobSpec), Context> {
    let spec = Buildspec {
        version: Version::V02,
        run_as: None,
        env: buildspec::Env::default(),
        proxy: buildspec::Proxy::default(),
        batch: None,
        phases: Vec::new(),
        reports: Vec::new(),
        artifacts: None,
        cache: None,
    };
    let (plan, mut job) = compile(request, dirs, &spec)?;
    job.steps = vec![JobStep { name: Phase::RunSandbox.name().to_owned(), ..JobStep::default() }];
    job.hold = JobHold::ForOrders;
    // The project's artifacts, cache and the like are a build's.
    Ok((Plan { references: plan.references, ..Plan::default() }, job))
}

/// What the project asks for and no build here has, in words for its log: nothing is passed over in silence. What depends
/// on where the build runs (its image, privileged mode) the executor says.
fn without_effect(request: &Request) -> Vec<String> {
    let mut lines = Vec::new();
    if request.environment_type.starts_with("ARM_") {
        lines.push(
            "environment type ARM_CONTAINER has no effect: the build runs on this machine's processor".to_owned(),
        );
    }
    if !request.encryption_key.ends_with(":alias/aws/s3") && !request.encryption_key.is_empty() {
        lines.push(format!("encryption key {} is not used: artifacts are stored as they are", request.encryption_key));
    }
    lines.extend(unheeded::lines(request));
    lines
}

/// The same for the buildspec.
fn sections_without_effect(request: &Request, spec: &Buildspec) -> Vec<String> {
    let mut lines = Vec::new();
    if spec.batch.is_some() && request.batch.is_none() {
        lines.push("section 'batch' has no effect in a build on its own: StartBuildBatch runs it".to_owned());
    }
    if spec.proxy.upload_artifacts || spec.proxy.logs {
        lines.push(
            "section 'proxy' changes nothing: artifacts and logs never go through the build's network".to_owned(),
        );
    }
    lines
}

/// Plans the job of a buildspec.
pub fn compile(request: &Request, dirs: &SourceDirs, spec: &Buildspec) -> Result<(Plan, JobSpec), Context> {
    refuse_unbuilt(spec)?;
    refuse_batch_alone(request, spec)?;
    let mut references = references(request, spec)?;
    let env = environment(request, dirs, spec, &references);
    // What CodeBuild publishes is no reference's.
    references.retain(|reference| !env.contains_key(&reference.name));
    let (artifacts, artifact_problem) = match artifacts::plan(request, spec.artifacts.as_ref()) {
        Ok(artifacts) => (artifacts, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let exported = spec.env.exported_variables.clone();
    let mut steps: Vec<JobStep> = PhaseName::ALL.into_iter().map(|name| step(spec, name)).collect();
    if let Some(install) = steps.first_mut() {
        install.setup = runtimes::setup(spec, request.lenient_runtimes);
    }
    if let Some(last) = request.last_phase {
        steps.retain(|step| Phase::of_step(&step.name).is_some_and(|phase| phase <= last));
    }
    let name_of = |identifier: Option<&str>| {
        let spec = spec.artifacts.as_ref()?;
        let set = match identifier {
            None => Some(&spec.primary),
            Some(id) => spec.secondary.iter().find(|(other, _)| other == id).map(|(_, set)| set),
        };
        set?.name.clone()
    };
    let mut reported = exported.clone();
    let mut naming = Vec::new();
    for set in &artifacts {
        if let Some(variable) = &set.name_variable {
            let fallback = || set.key.rsplit('/').next().unwrap_or_default().to_owned();
            let name = name_of(set.identifier.as_deref()).unwrap_or_else(fallback);
            naming.push(format!("{variable}=$(cat <<HEADWORKS_END\n{name}\nHEADWORKS_END\n)"));
            reported.push(variable.clone());
        }
    }
    let mut path_variables: Vec<(String, String)> = Vec::new();
    for text in artifacts.iter().flat_map(ArtifactPlan::texts_for_shell) {
        if !path_variables.iter().any(|(known, _)| known == text) {
            let variable = format!("HEADWORKS_ARTIFACT_PATH_{}", path_variables.len());
            naming.push(format!("{variable}=$(cat <<HEADWORKS_END\n{text}\nHEADWORKS_END\n)"));
            reported.push(variable.clone());
            path_variables.push((text.clone(), variable));
        }
    }
    if !naming.is_empty() && request.last_phase.is_none() {
        // The shell that ran the commands expands the names, as its variables may be meant.
        let name = Phase::UploadArtifacts.name().to_owned();
        let on_failure = StepFailure::Continue;
        // A shell of another user would have the exported variables alone.
        let run_as = steps.last().and_then(|step| step.run_as.clone());
        if run_as.is_some() && !path_variables.is_empty() {
            // What copies is root's shell again.
            let names: Vec<&str> = path_variables.iter().map(|(_, variable)| variable.as_str()).collect();
            naming.push(format!("export {}", names.join(" ")));
        }
        steps.push(JobStep { name, commands: naming, on_failure, run_as, ..JobStep::default() });
    }
    let (cache, notes) = results::cache(request, spec, |key| results::expand_key(key, &env));
    let discover = results::discover(&env);
    let reports = results::reports(spec, |group| results::expand_key(group, &env));
    if request.last_phase.is_none() {
        steps.extend(outside::step(&artifacts, &reports, &path_variables, &dirs.primary, &request.work_dir));
    }
    if let Some(cache) = &cache {
        cache.add_steps(&mut steps, &request.work_dir, &dirs.primary);
    }
    let job = JobSpec {
        id: request.uuid.clone(),
        steps,
        shell: match spec.env.shell {
            Some(Shell::Bash) => "bash".to_owned(),
            // The shell that is called sh there is bash, and buildspecs count on it.
            None if request.image.contains("amazonlinux") => "bash".to_owned(),
            Some(Shell::Sh | Shell::PowerShell | Shell::Cmd) | None => "sh".to_owned(),
        },
        env,
        masked: Vec::new(),
        work_dir: request.work_dir.clone(),
        current_dir: dirs.primary.clone(),
        exported: reported,
        succeeding_variable: Some("CODEBUILD_BUILD_SUCCEEDING".to_owned()),
        limits: request.limits,
        timeout_seconds: u64::from(request.timeout_minutes) * 60,
        announce: true,
        container: request.container(),
        files: Vec::new(),
        trust: None,
        hold: if request.debug_session { JobHold::AtBreakpoints } else { JobHold::Never },
        routes: Vec::new(),
        loopback: Vec::new(),
    };
    Ok((
        Plan { artifacts, artifact_problem, exported, path_variables, references, reports, discover, cache, notes },
        job,
    ))
}

/// What would silently not happen must not begin.
fn refuse_unbuilt(spec: &Buildspec) -> Result<(), Context> {
    if let Some(shell) = spec.env.shell.filter(|shell| shell.needs_windows()) {
        return Err(Context::new(
            "CLIENT_ERROR",
            format!("env/shell: {} needs Windows; builds run on Linux", shell.name()),
        ));
    }
    for phase in &spec.phases {
        if let Some(step) = phase.action_steps.first() {
            let why = format!("phase {}: steps ({step}) are not built; write commands", phase.name.key());
            return Err(Context::new("YAML_FILE_ERROR", why));
        }
    }
    Ok(())
}

/// A batch's buildspec without phases is for builds that have buildspecs of their own.
fn refuse_batch_alone(request: &Request, spec: &Buildspec) -> Result<(), Context> {
    if spec.batch.is_none() || !spec.phases.is_empty() {
        return Ok(());
    }
    let mend = match &request.batch {
        Some(batch) => format!("add 'phases:', or give build '{}' a 'buildspec' of its own", batch.identifier),
        None => "add 'phases:', or start it as a batch".to_owned(),
    };
    let file = request.buildspec.name();
    let why = format!("{file}: error[B010]: section 'phases' is missing, so a build of it has nothing to do; {mend}");
    Err(Context::new("YAML_FILE_ERROR", why))
}

fn step(spec: &Buildspec, name: PhaseName) -> JobStep {
    let phase = spec.phases.iter().find(|phase| phase.name == name);
    let (step, default) = match name {
        PhaseName::Install => (Phase::Install, StepFailure::Abort),
        PhaseName::PreBuild => (Phase::PreBuild, StepFailure::Abort),
        PhaseName::Build => (Phase::Build, StepFailure::Continue),
        PhaseName::PostBuild => (Phase::PostBuild, StepFailure::Continue),
    };
    JobStep {
        name: step.name().to_owned(),
        commands: phase.map(|p| p.commands.clone()).unwrap_or_default(),
        finally: phase.map(|p| p.finally.clone()).unwrap_or_default(),
        on_failure: match phase.and_then(|p| p.on_failure.as_ref()) {
            None | Some(OnFailure::Retry(_)) => default,
            Some(OnFailure::Abort) => StepFailure::Abort,
            Some(OnFailure::Continue) => StepFailure::Continue,
        },
        // Without a name commands run as root, so that name says nothing more.
        run_as: phase
            .and_then(|p| p.run_as.clone())
            .or_else(|| spec.run_as.clone())
            .filter(|user| !matches!(user.as_str(), "root" | "0")),
        retry: match phase.and_then(|p| p.on_failure.as_ref()) {
            Some(OnFailure::Retry(Retry { count, pattern })) => {
                Some(StepRetry { count: *count, pattern: pattern.clone() })
            }
            Some(OnFailure::Abort | OnFailure::Continue) | None => None,
        },
        fresh_shells: spec.version == Version::V01,
        setup: None,
        quiet: false,
    }
}

/// The variables that CodeBuild publishes
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html>), over those of the user.
fn environment(
    request: &Request,
    dirs: &SourceDirs,
    spec: &Buildspec,
    references: &[Reference],
) -> BTreeMap<String, String> {
    let region = request.scope.region.as_str();
    // Users may set these three otherwise: to work in another region, mostly.
    let defaults = [("CI", "true"), ("AWS_REGION", region), ("AWS_DEFAULT_REGION", region)];
    let mut env: BTreeMap<_, _> = defaults.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    env.extend(spec.env.variables.iter().cloned());
    env.extend(request.variables.iter().map(|v| (v.name.clone(), v.value.clone())));
    env.retain(|name, _| references.iter().all(|reference| reference.name != *name));
    let mut put = |name: &str, value: String| env.insert(name.to_owned(), value);
    if !request.endpoint.is_empty() {
        put("AWS_ENDPOINT_URL", request.endpoint.clone());
    }
    for (name, value) in &request.published {
        put(name, value.clone());
    }
    if let Some(batch) = &request.batch {
        put("CODEBUILD_BATCH_BUILD_IDENTIFIER", batch.identifier.clone());
        if let Some(shard) = batch.shard {
            put("CODEBUILD_CURRENT_SHARD", shard.current.to_string());
            put("CODEBUILD_TOTAL_SHARDS", shard.total.to_string());
        }
    }
    put("CODEBUILD_BUILD_ARN", request.arn());
    put("CODEBUILD_BUILD_ID", request.id.clone());
    put("CODEBUILD_BUILD_IMAGE", request.image.clone());
    if request.purpose == Purpose::Build {
        put("CODEBUILD_BUILD_NUMBER", request.number.to_string());
    }
    put("CODEBUILD_BUILD_SUCCEEDING", "1".to_owned());
    put("CODEBUILD_INITIATOR", request.initiator.clone());
    put("CODEBUILD_KMS_KEY_ID", request.encryption_key.clone());
    put(
        "CODEBUILD_LOG_PATH",
        match &request.logs {
            super::Logs::Disabled => String::new(),
            super::Logs::CloudWatch { stream, .. } => stream.clone(),
        },
    );
    put("CODEBUILD_PROJECT_ARN", request.scope.arn("codebuild", format!("project/{}", request.project)).to_string());
    put("CODEBUILD_SRC_DIR", dirs.primary.to_string_lossy().into_owned());
    put("CODEBUILD_START_TIME", request.submitted.millis().to_string());
    put("CODEBUILD_SOURCE_REPO_URL", request.source.kind.location());
    // Without a version of its own a source has the one that it resolved to.
    let version = request.source.version.clone().or_else(|| dirs.resolved_version.clone());
    put("CODEBUILD_SOURCE_VERSION", version.unwrap_or_default());
    if let Some(resolved) = &dirs.resolved_version {
        put("CODEBUILD_RESOLVED_SOURCE_VERSION", resolved.clone());
    }
    for ((identifier, dir), source) in dirs.secondary.iter().zip(&request.secondary_sources) {
        put(&format!("CODEBUILD_SRC_DIR_{identifier}"), dir.to_string_lossy().into_owned());
        put(&format!("CODEBUILD_SOURCE_REPO_URL_{identifier}"), source.kind.location());
        let version = source.version.clone().or_else(|| dirs.secondary_versions.get(identifier).cloned());
        put(&format!("CODEBUILD_SOURCE_VERSION_{identifier}"), version.unwrap_or_default());
    }
    if spec.env.git_credential_helper {
        git_credentials::configure(&mut env, &request.endpoint, region);
    }
    env
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
