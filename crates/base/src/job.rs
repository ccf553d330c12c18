//! A job: commands to run somewhere, in words that every executor understands. Nothing here knows what a build is.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Secret, Timestamp};

/// What to run. Written to the job's folder before it starts, so that a restarted server can re-attach.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobSpec {
    /// Unique for ever; starting the same id twice runs it once.
    pub id: String,
    /// The steps, run in order in one shell: variables, functions and the working directory are kept.
    pub steps: Vec<JobStep>,
    /// The shell that runs the steps: `sh` or `bash`.
    pub shell: String,
    /// The environment; nothing is inherited from the server. What is missing of `PATH`, `HOME` and the like the
    /// executor adds, because only it knows where the tools are: leave them out unless the user sets them.
    pub env: BTreeMap<String, String>,
    /// Values that never appear in the output; each occurrence becomes `***`.
    pub masked: Vec<Secret<String>>,
    /// The job's own writable folder on the host (its working copies and results live here). Inside the
    /// job it is found under the same absolute path.
    pub work_dir: PathBuf,
    /// Where the first step begins; inside `work_dir` or what is mounted.
    pub current_dir: PathBuf,
    /// Variables whose values are reported at the end (see [`JobOutcome::Finished`]).
    pub exported: Vec<String>,
    /// The variable that is `1` as long as no step has failed and `0` afterwards (CODEBUILD_BUILD_SUCCEEDING).
    pub succeeding_variable: Option<String>,
    pub limits: JobLimits,
    /// The whole job may run this long.
    pub timeout_seconds: u64,
    /// Writes `[Container] YYYY/MM/DD HH:MM:SS.ffffff Running command X`, `Entering phase X` and
    /// `Phase complete: X State: SUCCEEDED` into the output, in order with it, as CodeBuild's agent does.
    #[serde(default)]
    pub announce: bool,
    /// What the job asks for around it; an executor that cannot give something says so.
    #[serde(default)]
    pub container: JobContainer,
    /// Files that the job sees in place of the machine's own. A job without a file system of its own does without, and
    /// is told so in its output.
    #[serde(default)]
    pub files: Vec<JobFile>,
    /// Addresses of the machine's loopback under which the job reaches others of it. A job that has any gets a network of
    /// its own; only where [`JobRoute`] can be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<JobRoute>,
    /// What a job in a network of its own reaches on the machine's loopback, besides where its routes begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loopback: Vec<SocketAddrV4>,
    /// An authority that the job's programs trust besides those that they know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<JobTrust>,
    #[serde(default)]
    pub hold: JobHold,
}

/// Where a job waits for people, and whether they may come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobHold {
    /// It runs its steps, whatever they say: `codebuild-breakpoint` does nothing.
    #[default]
    Never,
    /// Where a command runs `codebuild-breakpoint` it waits for `codebuild-resume`. Its time goes on meanwhile.
    AtBreakpoints,
    /// Its last step has no end of its own: it runs the commands that are ordered, until it is cancelled or out of time.
    ForOrders,
}

/// A command for a job that waits for some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOrder {
    /// Unique within the job; the same id twice is run once.
    pub id: String,
    /// Orders that wait are taken in this order.
    pub submitted: Timestamp,
    pub text: Secret<String>,
}

/// What became of an order, reported when the command begins (without `finished`) and when it is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRecord {
    pub id: String,
    pub started: Timestamp,
    pub finished: Option<CommandEnd>,
}

/// How an ordered command ended. Masked values are `***` already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandEnd {
    pub at: Timestamp,
    /// 128 + n when signal n killed it; absent when the job ended under it.
    pub exit_status: Option<i32>,
    /// The end of what it wrote, at most [`CommandEnd::MAX_LEN`] bytes.
    pub stdout: String,
    /// The same for its errors.
    pub stderr: String,
}

impl CommandEnd {
    /// How much of a command's output is kept beside the log, in bytes.
    pub const MAX_LEN: usize = 64 << 10;
}

/// What leads elsewhere for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRoute {
    /// What the job connects to, or asks for names.
    pub from: SocketAddrV4,
    /// Who answers.
    pub to: SocketAddrV4,
}

/// A certificate authority, and how programs come to trust it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTrust {
    /// Its certificate on this machine, in PEM.
    pub authority: PathBuf,
    /// This machine's trusted certificates and that of the authority.
    pub bundle: PathBuf,
    /// Where this machine's programs look for certificates; for a job that sees the machine's files. Not empty.
    pub places: Vec<PathBuf>,
    /// Variables that tell clients where certificates are; what the user says wins.
    pub variables: Vec<String>,
}

/// The surroundings of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobContainer {
    /// The image as the user named it: one that CodeBuild publishes (`aws/codebuild/standard:7.0`) or one of a registry.
    pub image: String,
    /// Full access to the machine, for jobs that run containers of their own.
    pub privileged: bool,
    /// Folders and files of the host besides `work_dir`.
    pub mounts: Vec<JobMount>,
    /// For the image's registry.
    pub registry: Option<RegistryLogin>,
    /// Images and layers that the job's own container engine begins with.
    pub layers: Option<JobLayers>,
}

/// The storage of the container engines of earlier jobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLayers {
    /// Absolute, on the host; made when it is missing.
    pub dir: PathBuf,
    /// What the job makes stays there for later ones.
    pub writes: bool,
}

/// A folder or file of the host that a job sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMount {
    /// Absolute, on the host; must exist.
    pub source: PathBuf,
    /// Absolute, in the job.
    pub target: PathBuf,
    pub read_only: bool,
}

/// Who pulls an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryLogin {
    pub username: String,
    pub password: Secret<String>,
    /// The registry's host; `None`: the one in the image's name.
    pub server: Option<String>,
}

/// A file that a job sees at `path`, read-only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// Absolute, as the job names it; links on the way are followed as the machine has them.
    pub path: PathBuf,
    pub content: JobFileContent,
}

/// What a job's file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobFileContent {
    Text(String),
    /// That of a file on the machine, which the job need not be able to see.
    Of(PathBuf),
}

/// One step: its commands run one after the other until one fails, then `finally` runs in any case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobStep {
    /// `INSTALL`, `BUILD`, ... unique within the job.
    pub name: String,
    pub commands: Vec<String>,
    pub finally: Vec<String>,
    /// What a failed command means for the rest.
    pub on_failure: StepFailure,
    /// Its commands are not announced, whatever the job says: they are nobody's but ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
    /// The user who runs the commands, by name or number; absent = whoever runs everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_as: Option<String>,
    /// When the step is tried again before its failure counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<StepRetry>,
    /// Each command runs in a shell of its own, which begins in the job's first folder; nothing is kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh_shells: bool,
    /// A text for the shell, run before the commands, once and without being announced. When it fails the step is refused:
    /// nothing else of it runs, and the variable [`JobStep::REFUSAL`] says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setup: Option<String>,
}

impl JobStep {
    /// The variable in which `setup` says why it failed.
    pub const REFUSAL: &'static str = "HEADWORKS_REFUSAL";
}

/// How often a failed step runs again, `finally` included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRetry {
    /// Times after the first one.
    pub count: u32,
    /// Only when this regular expression is found in the error message or in what the failed try has written last
    /// (64 KiB of it); absent = always.
    pub pattern: Option<String>,
}

/// What a failed command in a step leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepFailure {
    /// No later step runs.
    #[default]
    Abort,
    /// The step is recorded as failed and the next step runs.
    Continue,
}

/// What the job may use. `None` = no limit of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobLimits {
    pub cpus: Option<f64>,
    pub memory_bytes: Option<u64>,
    pub processes: Option<u64>,
}

/// One step's record, reported when it begins (without `finished`) and again when it ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    pub name: String,
    pub started: Timestamp,
    pub finished: Option<(Timestamp, StepOutcome)>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StepOutcome {
    Succeeded,
    /// A command ended with a status other than 0; 128 + n when signal n killed it.
    Failed {
        command: String,
        exit_status: i32,
    },
    /// What the step needs is not there; no command of it has run.
    Refused {
        reason: String,
    },
    /// The job was out of time while this step ran.
    TimedOut,
    /// The job was cancelled while this step ran.
    Cancelled,
}

/// How a job ended. Exactly one outcome per job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobOutcome {
    /// All steps that had to run have run. `exported` holds the asked-for variables that are set.
    Finished { steps: Vec<StepRecord>, exported: BTreeMap<String, String> },
    /// Ended by its own timeout; every descendant is gone.
    TimedOut(JobTimeout),
    /// Ended by `cancel`; every descendant is gone.
    Cancelled { steps: Vec<StepRecord> },
    /// Killed by the kernel for want of memory.
    OutOfMemory { steps: Vec<StepRecord> },
    /// The job cannot have run or its end cannot be known (machine restarted, shim killed): never run again silently.
    Lost { steps: Vec<StepRecord>, reason: String },
    /// The executor could not start it; no command has run.
    NotStarted { reason: String },
}

/// A job that ran out of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobTimeout {
    pub steps: Vec<StepRecord>,
    pub after_seconds: u64,
}
