//! What a buildspec says.

use super::{Batch, Cache, Report, SecretPlace};
use crate::Span;

/// A buildspec without errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buildspec {
    pub version: Version,
    /// The Linux user for all commands.
    pub run_as: Option<String>,
    pub env: Env,
    pub proxy: Proxy,
    pub batch: Option<Batch>,
    /// In the order in which they run; a phase that is not written is not here.
    pub phases: Vec<Phase>,
    /// In the order of the file.
    pub reports: Vec<Report>,
    pub artifacts: Option<Artifacts>,
    pub cache: Option<Cache>,
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
    /// The reference is the parameter's name.
    pub parameter_store: Vec<SecretReference>,
    /// The reference is what [`SecretPlace::parse`] reads.
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

impl SecretReference {
    /// The four parts of a reference to Secrets Manager.
    pub fn secret_place(&self) -> Option<SecretPlace> {
        SecretPlace::parse(&self.reference)
    }
}

/// The shells that a buildspec can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Sh,
    Bash,
    /// Windows only.
    PowerShell,
    /// Windows only.
    Cmd,
}

impl Shell {
    /// The name in the buildspec.
    pub fn name(self) -> &'static str {
        match self {
            Shell::Sh => "/bin/sh",
            Shell::Bash => "bash",
            Shell::PowerShell => "powershell.exe",
            Shell::Cmd => "cmd.exe",
        }
    }

    /// True for the shells of Windows.
    pub fn needs_windows(self) -> bool {
        matches!(self, Shell::PowerShell | Shell::Cmd)
    }
}

/// The `proxy` section: what an explicit proxy server lets through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proxy {
    pub upload_artifacts: bool,
    pub logs: bool,
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
    /// Steps that run GitHub Actions instead of commands: what each of them `uses` or runs.
    pub action_steps: Vec<String>,
}

/// What a failed command leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnFailure {
    Abort,
    Continue,
    Retry(Retry),
}

/// How often a failed phase runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Times after the first one, 0 to 100.
    pub count: u32,
    /// Only when this regular expression is found in the error message; absent = always.
    pub pattern: Option<String>,
}

impl Retry {
    /// What `RETRY` alone means.
    pub const DEFAULT_COUNT: u32 = 3;
    /// The largest count.
    pub const MAX_COUNT: u32 = 100;
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
