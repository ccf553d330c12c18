//! What is to be built, settled once by StartBuild: nothing of the project is read again later.

use std::path::PathBuf;

use base::{JobLimits, Scope, Timestamp};
use serde::{Deserialize, Serialize};

use super::Phase;

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
    /// The last phase whose commands run, and nothing is uploaded after it; `None`: the whole build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_phase: Option<Phase>,
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
    },
    /// A zip, or a folder when the key ends in a slash or is empty.
    S3(Place),
    /// A pipeline's artifact, always a zip, with the revision that the pipeline made it from (a commit, say).
    Pipeline {
        place: Place,
        revision: Option<String>,
    },
    /// A folder of this machine, copied as it is. Only where the installation names it as a source.
    Local(PathBuf),
}

impl SourceKind {
    /// The type as the API spells it.
    pub fn name(&self) -> &'static str {
        match self {
            SourceKind::NoSource => "NO_SOURCE",
            SourceKind::CodeCommit { .. } => "CODECOMMIT",
            SourceKind::S3(_) => "S3",
            SourceKind::Pipeline { .. } => "CODEPIPELINE",
            SourceKind::Local(_) => "LOCAL",
        }
    }

    /// The location as events and CODEBUILD_SOURCE_REPO_URL show it.
    pub fn location(&self) -> String {
        match self {
            SourceKind::NoSource => String::new(),
            SourceKind::CodeCommit { location, .. } => location.clone(),
            SourceKind::S3(place) | SourceKind::Pipeline { place, .. } => format!("{}/{}", place.bucket, place.key),
            SourceKind::Local(folder) => folder.to_string_lossy().into_owned(),
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
        self.scope.arn("codebuild", format!("build/{}", self.id)).to_string()
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
        self.work_dir.join("src")
    }

    /// The working copy of the secondary source at `index`.
    pub fn secondary_dir(&self, index: usize) -> PathBuf {
        self.work_dir.join(format!("src{}", index + 1))
    }

    /// True when nothing has to be fetched before the job can be planned.
    pub fn is_self_contained(&self) -> bool {
        self.source.kind == SourceKind::NoSource
            && self.secondary_sources.is_empty()
            && matches!(self.buildspec, BuildspecFrom::Inline(_))
    }
}
