//! What is to be built, settled once by StartBuild: nothing of the project is read again later.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{Arn, JobContainer, JobLimits, JobMount, Region, Scope, Timestamp};
use serde::{Deserialize, Serialize};

use super::Phase;
use crate::build_batch::Shard;
use crate::build_queue::Limits;

/// Everything that a build needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The project's name and a UUID, joined by a colon; also the row's id.
    pub id: String,
    /// The part after the colon; also the job's id.
    pub uuid: String,
    pub scope: Scope,
    pub project: String,
    pub number: i64,
    pub submitted: Timestamp,
    pub initiator: String,
    pub source: Source,
    pub secondary_sources: Vec<Source>,
    pub buildspec: BuildspecFrom,
    pub image: String,
    pub compute_type: String,
    pub environment_type: String,
    pub privileged: bool,
    /// The project's, overridden by StartBuild's.
    pub variables: Vec<EnvironmentVariable>,
    pub artifacts: ArtifactTarget,
    pub secondary_artifacts: Vec<ArtifactTarget>,
    pub logs: Logs,
    pub timeout_minutes: u32,
    pub queued_timeout_minutes: u32,
    pub encryption_key: String,
    /// Where this installation is reached; builds get it as AWS_ENDPOINT_URL.
    pub endpoint: String,
    /// The job's folder on the host.
    pub work_dir: PathBuf,
    pub limits: JobLimits,
    /// A runtime that `runtime-versions` asks for and that is not there does not fail the build.
    #[serde(default)]
    pub lenient_runtimes: bool,
    /// Members that BatchGetBuilds shows as they were given (source, environment, ...), in canonical JSON.
    pub echo: serde_json::Value,
    pub parent: Option<Parent>,
    /// Of the pipeline that it is for; `None` for other builds, and those that earlier versions began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_region: Option<Region>,
    /// The last phase whose commands run, and nothing is uploaded after it; `None`: the whole build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_phase: Option<Phase>,
    /// The batch that the build belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchMember>,
    /// Which limits make it wait for a slot.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limited_by: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_retry: Option<AutoRetry>,
    /// Variables that only the service sets, beside those that every build has: what a webhook brought.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub published: BTreeMap<String, String>,
    /// A pull request brought it: nobody has agreed yet to what is built, so nothing of it reaches other builds.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_proposed: bool,
    /// The branch whose push started it; the source's version is the commit then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    #[serde(default, skip_serializing_if = "Purpose::is_build")]
    pub purpose: Purpose,
    /// `codebuild-breakpoint` holds it, and people may come in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub debug_session: bool,
}

/// What runs in the environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// A buildspec.
    #[default]
    Build,
    /// What people order; no buildspec is read.
    Sandbox,
}

impl Purpose {
    fn is_build(&self) -> bool {
        *self == Purpose::Build
    }
}

/// `AutoRetryConfig`: a build that fails is started again by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoRetry {
    pub limit: u32,
    /// 0 for the build that somebody started.
    pub number: u32,
    /// The ARN of the build before.
    pub previous: Option<String>,
}

/// A build's place in a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchMember {
    /// The batch's ARN.
    pub arn: String,
    pub identifier: String,
    /// Which part of a fan-out it is.
    pub shard: Option<Shard>,
}

/// One source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// `None` for the primary source.
    pub identifier: Option<String>,
    pub kind: SourceKind,
    /// The source version that was asked for: a branch, a tag, a commit, an object's version.
    pub version: Option<String>,
}

/// Where a source comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SourceKind {
    NoSource,
    CodeCommit {
        /// The clone URL as given.
        location: String,
        repository: String,
        /// How much of the history the working copy has; `None`: all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        depth: Option<u32>,
        #[serde(default)]
        submodules: bool,
    },
    /// A repository elsewhere.
    Git(GitSource),
    /// A zip, or a folder when the key ends in a slash or is empty.
    S3(Place),
    /// A pipeline's artifact, always a zip, with the revision that the pipeline made it from (a commit, say).
    Pipeline {
        place: Place,
        revision: Option<String>,
    },
    /// A folder of this machine. Only where the installation names it as a source.
    Local {
        folder: PathBuf,
        /// The build works in it, not in a copy.
        in_place: bool,
    },
}

/// A repository elsewhere, fetched by HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSource {
    /// The source type as the API spells it; source credentials are kept by it.
    pub provider: String,
    pub location: String,
    /// `None`: the whole history.
    pub depth: Option<u32>,
    pub submodules: bool,
    pub insecure_tls: bool,
    /// The ARN of a secret with the token, where the project names one.
    pub secret: Option<String>,
}

impl SourceKind {
    /// The type as the API spells it.
    pub fn name(&self) -> &'static str {
        match self {
            SourceKind::NoSource => "NO_SOURCE",
            SourceKind::CodeCommit { .. } => "CODECOMMIT",
            SourceKind::Git(source) => match source.provider.as_str() {
                "BITBUCKET" => "BITBUCKET",
                "GITHUB" => "GITHUB",
                "GITLAB" => "GITLAB",
                "GITLAB_SELF_MANAGED" => "GITLAB_SELF_MANAGED",
                _ => "GITHUB_ENTERPRISE",
            },
            SourceKind::S3(_) => "S3",
            SourceKind::Pipeline { .. } => "CODEPIPELINE",
            SourceKind::Local { .. } => "LOCAL",
        }
    }

    /// The location as events and CODEBUILD_SOURCE_REPO_URL show it.
    pub fn location(&self) -> String {
        match self {
            SourceKind::NoSource => String::new(),
            SourceKind::CodeCommit { location, .. } => location.clone(),
            SourceKind::Git(source) => source.location.clone(),
            SourceKind::S3(place) | SourceKind::Pipeline { place, .. } => format!("{}/{}", place.bucket, place.key),
            SourceKind::Local { folder, .. } => folder.to_string_lossy().into_owned(),
        }
    }

    /// The folder of this machine that the build works in, in place of a working copy.
    pub fn own_folder(&self) -> Option<&PathBuf> {
        match self {
            SourceKind::Local { folder, in_place: true } => Some(folder),
            SourceKind::Local { .. }
            | SourceKind::NoSource
            | SourceKind::CodeCommit { .. }
            | SourceKind::Git(_)
            | SourceKind::S3(_)
            | SourceKind::Pipeline { .. } => None,
        }
    }
}

/// An object, or a folder of objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub bucket: String,
    pub key: String,
}

/// Where the buildspec is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuildspecFrom {
    /// A path in the primary source.
    File(String),
    /// The text itself.
    Inline(String),
    /// An object.
    Object(Place),
}

impl BuildspecFrom {
    /// What a project's (or a batch's) `buildspec` means: an object's ARN, the text itself, or a path in the source.
    /// `None` for an ARN of something else.
    pub fn of(text: &str) -> Option<BuildspecFrom> {
        if text.starts_with("arn:") {
            let arn = Arn::parse(text).filter(|a| a.service == "s3")?;
            let (bucket, key) =
                arn.resource.split_once('/').filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty())?;
            return Some(BuildspecFrom::Object(Place { bucket: bucket.to_owned(), key: key.to_owned() }));
        }
        let inline = text.contains('\n') || text.trim_start().starts_with('{') || text.contains("version:");
        Some(if inline { BuildspecFrom::Inline(text.to_owned()) } else { BuildspecFrom::File(text.to_owned()) })
    }

    /// The name that diagnostics give the file.
    pub fn name(&self) -> &str {
        match self {
            BuildspecFrom::File(path) => path,
            BuildspecFrom::Inline(_) => "buildspec.yml",
            BuildspecFrom::Object(place) => &place.key,
        }
    }
}

/// A variable of the project or of StartBuild.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentVariable {
    pub name: String,
    pub value: String,
    pub kind: VariableKind,
}

/// Where a variable's value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VariableKind {
    #[serde(rename = "PLAINTEXT")]
    Plaintext,
    #[serde(rename = "PARAMETER_STORE")]
    ParameterStore,
    #[serde(rename = "SECRETS_MANAGER")]
    SecretsManager,
}

impl VariableKind {
    /// The type as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            VariableKind::Plaintext => "PLAINTEXT",
            VariableKind::ParameterStore => "PARAMETER_STORE",
            VariableKind::SecretsManager => "SECRETS_MANAGER",
        }
    }
}

/// Where artifacts go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArtifactTarget {
    NoArtifacts,
    S3 {
        identifier: Option<String>,
        bucket: String,
        path: String,
        /// A folder named after the build stands between path and name.
        by_build_id: bool,
        name: String,
        /// The buildspec's name counts instead.
        override_name: bool,
        zip: bool,
    },
    /// The output artifacts of a pipeline's action.
    Pipeline(Vec<OutputArtifact>),
}

/// One output artifact of a pipeline's action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputArtifact {
    pub name: String,
    pub place: Place,
    #[serde(default)]
    pub section: OutputSection,
}

/// Which files of the buildspec an output artifact holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OutputSection {
    /// The only output is the primary artifact; each of several is the secondary artifact of its name.
    #[default]
    ByNumber,
    Primary,
    /// The secondary artifact with this identifier.
    Secondary(String),
}

/// Where the output goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Logs {
    Disabled,
    CloudWatch { group: String, stream: String },
}

/// Who waits for the end: its machine gets `{"ActionFinished": {"key": ..., "result": ...}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub kind: String,
    pub id: String,
    pub key: String,
}

impl Request {
    /// The build's ARN.
    pub fn arn(&self) -> String {
        let kind = match self.purpose {
            Purpose::Build => "build",
            Purpose::Sandbox => "sandbox",
        };
        self.scope.arn("codebuild", format!("{kind}/{}", self.id)).to_string()
    }

    /// The phases that are steps of its job.
    pub(super) fn steps(&self) -> &'static [Phase] {
        match self.purpose {
            Purpose::Build => &Phase::STEPS,
            Purpose::Sandbox => &[Phase::RunSandbox],
        }
    }

    /// The console's link to the log. Its host is AWS's: clients take it apart to build their own links.
    pub fn log_link(&self) -> String {
        let region = &self.scope.region;
        match &self.logs {
            Logs::Disabled => format!(
                "https://console.aws.amazon.com/cloudwatch/home?region={region}#logEvent:group=null;stream=null"
            ),
            Logs::CloudWatch { group, stream } => {
                format!(
                    "https://console.aws.amazon.com/cloudwatch/home?region={region}#logEvent:group={group};stream={stream}"
                )
            }
        }
    }

    /// The object that the project wants the log in.
    pub fn log_object(&self) -> Option<Place> {
        let config = self.echo.pointer("/logsConfig/s3Logs")?;
        let text = |member: &str| config.get(member).and_then(serde_json::Value::as_str);
        let location = text("location").filter(|_| text("status") == Some("ENABLED"))?;
        let location = location.strip_prefix("arn:aws:s3:::").unwrap_or(location);
        let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
        let prefix = prefix.trim_matches('/');
        let name = format!("{}.gz", self.uuid);
        let key = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        Some(Place { bucket: bucket.to_owned(), key })
    }

    /// The working copy of the primary source.
    pub fn source_dir(&self) -> PathBuf {
        self.source.kind.own_folder().cloned().unwrap_or_else(|| self.work_dir.join("src"))
    }

    /// The working copy of the secondary source at `index`.
    pub fn secondary_dir(&self, index: usize) -> PathBuf {
        let own = self.secondary_sources.get(index).and_then(|source| source.kind.own_folder()).cloned();
        own.unwrap_or_else(|| self.work_dir.join(format!("src{}", index + 1)))
    }

    /// What the build asks for around it.
    pub fn container(&self) -> JobContainer {
        let own = std::iter::once(&self.source).chain(&self.secondary_sources).filter_map(|s| s.kind.own_folder());
        let mount = |folder: &PathBuf| JobMount { source: folder.clone(), target: folder.clone(), read_only: false };
        let mounts = own.map(mount).collect();
        JobContainer { image: self.image.clone(), privileged: self.privileged, mounts, ..JobContainer::default() }
    }

    /// The secret with the credentials for the image's registry, by name or ARN.
    pub fn registry_credential(&self) -> Option<&str> {
        let secret = self.echo.pointer("/environment/registryCredential/credential")?.as_str()?;
        (!secret.is_empty()).then_some(secret)
    }

    /// The role in whose name the build acts.
    pub fn service_role(&self) -> &str {
        self.echo.get("serviceRole").and_then(serde_json::Value::as_str).unwrap_or_default()
    }

    /// True when nothing has to be fetched before the job can be planned.
    pub fn is_self_contained(&self) -> bool {
        self.source.kind == SourceKind::NoSource
            && self.secondary_sources.is_empty()
            && matches!(self.buildspec, BuildspecFrom::Inline(_))
    }
}

/// The published sizes (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html>).
pub fn limits(compute_type: &str) -> JobLimits {
    let (cpus, gib) = match compute_type {
        "BUILD_GENERAL1_SMALL" => (2.0, 4),
        "BUILD_GENERAL1_MEDIUM" => (4.0, 8),
        "BUILD_GENERAL1_LARGE" => (8.0, 16),
        "BUILD_GENERAL1_XLARGE" => (36.0, 72),
        "BUILD_GENERAL1_2XLARGE" => (72.0, 144),
        _ => return JobLimits::default(),
    };
    JobLimits { cpus: Some(cpus), memory_bytes: Some(gib << 30), processes: None }
}
