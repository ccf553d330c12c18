//! What a buildspec says.

use crate::Span;

/// A buildspec without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buildspec {
    pub version: Version,
    /// The Linux user for all commands.
    pub run_as: Option<String>,
    pub env: Env,
    /// In the order in which they run; a phase that is not written is not here.
    pub phases: Vec<Phase>,
    pub artifacts: Option<Artifacts>,
}

/// The two published versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Every command runs in a fresh shell.
    V01,
    /// All commands run in one shell.
    V02,
}

/// The `env` section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Env {
    pub shell: Option<Shell>,
    /// In the order of the file; values are literal.
    pub variables: Vec<(String, String)>,
    pub parameter_store: Vec<SecretReference>,
    pub secrets_manager: Vec<SecretReference>,
    pub exported_variables: Vec<String>,
    pub git_credential_helper: bool,
}

/// A variable whose value is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretReference {
    pub name: String,
    /// The parameter's name, or `secret-id:json-key:version-stage:version-id`.
    pub reference: String,
    pub span: Span,
}

/// The shells that run on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Sh,
    Bash,
}

/// The phases that a buildspec can write, in the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseName {
    Install,
    PreBuild,
    Build,
    PostBuild,
}

impl PhaseName {
    /// All of them, in order.
    pub const ALL: [PhaseName; 4] = [PhaseName::Install, PhaseName::PreBuild, PhaseName::Build, PhaseName::PostBuild];

    /// The key in the buildspec.
    pub fn key(self) -> &'static str {
        match self {
            PhaseName::Install => "install",
            PhaseName::PreBuild => "pre_build",
            PhaseName::Build => "build",
            PhaseName::PostBuild => "post_build",
        }
    }
}

/// One phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    pub name: PhaseName,
    pub run_as: Option<String>,
    /// Absent = CodeBuild's own rule for the phase.
    pub on_failure: Option<OnFailure>,
    /// Runtime and version as written.
    pub runtime_versions: Vec<(String, String)>,
    pub commands: Vec<String>,
    pub finally: Vec<String>,
}

/// What a failed command leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    Abort,
    Continue,
}

/// The `artifacts` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifacts {
    pub primary: ArtifactSpec,
    /// By artifact identifier, in the order of the file.
    pub secondary: Vec<(String, ArtifactSpec)>,
}

/// One set of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArtifactSpec {
    /// Patterns, relative to the base directory; `**/*` is everything.
    pub files: Vec<String>,
    /// Shell expansions are allowed.
    pub name: Option<String>,
    /// May hold patterns.
    pub base_directory: Option<String>,
    pub exclude_paths: Vec<String>,
    pub discard_paths: bool,
    pub enable_symlinks: bool,
    pub s3_prefix: Option<String>,
}
