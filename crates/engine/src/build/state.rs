//! Where a build stands.

use std::collections::BTreeMap;

use base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Plan, Request, UploadedArtifact};

/// The whole state of a build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildState {
    pub request: Request,
    pub stage: Stage,
    /// In the order in which they began; at most one is open, and it is the last.
    pub phases: Vec<PhaseRecord>,
    pub facts: Facts,
}

/// What the build waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// Made, and not yet started.
    Submitted,
    /// It waits for a slot.
    AwaitingSlot,
    /// Nobody works at it yet; sources must be fetched.
    QueuedToPrepare,
    /// Nobody works at it yet; the job is planned.
    QueuedToRun(Plan),
    /// Sources are being fetched.
    Preparing,
    /// The job runs.
    Running(Plan),
    /// A user wants it to end; the job was told so.
    Stopping(BuildStatus),
    /// The server cannot let it go on; the job was told to end, and what it had finished before that counts.
    Cut { plan: Plan, why: CutReason },
    /// Artifacts are being uploaded; the status is that of the job.
    Uploading(BuildStatus),
    /// The end.
    Completed { status: BuildStatus, at: Timestamp },
}

/// Why the server ends a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CutReason {
    /// The time of the build, or of its queue, is over.
    OutOfTime,
    /// There is no room left where the data is.
    DiskFull,
}

impl CutReason {
    /// How a build ends that did not finish before.
    pub fn status(self) -> BuildStatus {
        match self {
            CutReason::OutOfTime => BuildStatus::TimedOut,
            CutReason::DiskFull => BuildStatus::Failed,
        }
    }
}

/// What a build has on the disk beside its records, for the case that there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskHold {
    /// What it fetches or what its job writes: as much as it likes.
    Growing,
    /// It was told to end, and what it has there goes with it.
    Going,
    /// Its artifacts are being stored; then what it has there goes.
    Storing,
}

/// What was learned on the way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The commit (or object version) that the primary source version stood for.
    pub resolved_source_version: Option<String>,
    /// By source identifier.
    pub secondary_source_versions: BTreeMap<String, String>,
    pub exported_variables: BTreeMap<String, String>,
    pub artifacts: Vec<UploadedArtifact>,
    /// ARNs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// When the limit that runs now is over; `None` at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Timestamp>,
    /// When a server that had been down took the build up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Timestamp>,
    /// For how long no server ran since the build's own time began; that time is longer by so much.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub down_seconds: u64,
    /// How often a server that had just started put a limit off for a moment.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub moments: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_none_yet(n: &u32) -> bool {
    *n == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// `StatusType` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BuildStatus {
    Succeeded,
    Failed,
    Fault,
    Stopped,
    TimedOut,
}

impl BuildStatus {
    /// The status as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            BuildStatus::Succeeded => "SUCCEEDED",
            BuildStatus::Failed => "FAILED",
            BuildStatus::Fault => "FAULT",
            BuildStatus::Stopped => "STOPPED",
            BuildStatus::TimedOut => "TIMED_OUT",
        }
    }
}

/// `BuildPhaseType` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    Submitted,
    Queued,
    Provisioning,
    DownloadSource,
    Install,
    PreBuild,
    Build,
    PostBuild,
    /// Of sandboxes alone.
    RunSandbox,
    UploadArtifacts,
    Finalizing,
    Completed,
}

impl Phase {
    /// The phases that are steps of the job.
    pub const STEPS: [Phase; 4] = [Phase::Install, Phase::PreBuild, Phase::Build, Phase::PostBuild];

    /// The phase as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Submitted => "SUBMITTED",
            Phase::Queued => "QUEUED",
            Phase::Provisioning => "PROVISIONING",
            Phase::DownloadSource => "DOWNLOAD_SOURCE",
            Phase::Install => "INSTALL",
            Phase::PreBuild => "PRE_BUILD",
            Phase::Build => "BUILD",
            Phase::PostBuild => "POST_BUILD",
            Phase::RunSandbox => "RUN_SANDBOX",
            Phase::UploadArtifacts => "UPLOAD_ARTIFACTS",
            Phase::Finalizing => "FINALIZING",
            Phase::Completed => "COMPLETED",
        }
    }

    /// The phase that a step of the job stands for.
    pub fn of_step(name: &str) -> Option<Phase> {
        Phase::STEPS.into_iter().chain([Phase::RunSandbox]).find(|phase| phase.name() == name)
    }
}

/// One phase's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseRecord {
    pub phase: Phase,
    pub started: Timestamp,
    pub end: PhaseEnd,
}

/// Whether and how a phase ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PhaseEnd {
    Open,
    Ended { at: Timestamp, status: BuildStatus, context: Option<Context> },
}

/// Why a phase ended as it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    pub status_code: String,
    pub message: String,
}

impl Context {
    /// A context.
    pub fn new(status_code: impl Into<String>, message: impl Into<String>) -> Self {
        Context { status_code: status_code.into(), message: message.into() }
    }
}

impl BuildState {
    /// A build that is not yet started: feed it `Start` in the same transaction.
    pub fn new(request: Request) -> Self {
        BuildState { request, stage: Stage::Submitted, phases: Vec::new(), facts: Facts::default() }
    }

    /// The end, when it is reached.
    pub fn completed(&self) -> Option<(BuildStatus, Timestamp)> {
        match &self.stage {
            Stage::Completed { status, at } => Some((*status, *at)),
            Stage::Submitted
            | Stage::AwaitingSlot
            | Stage::QueuedToPrepare
            | Stage::QueuedToRun(_)
            | Stage::Preparing
            | Stage::Running(_)
            | Stage::Stopping(_)
            | Stage::Cut { .. }
            | Stage::Uploading(_) => None,
        }
    }

    /// Whether the job was told to end: it must not begin any more.
    pub fn is_stopping(&self) -> bool {
        matches!(self.stage, Stage::Stopping(_) | Stage::Cut { .. })
    }

    /// What it has on the disk; nothing before it began.
    pub fn holds_disk(&self) -> Option<DiskHold> {
        match self.stage {
            Stage::Preparing | Stage::Running(_) => Some(DiskHold::Growing),
            Stage::Stopping(_) | Stage::Cut { .. } => Some(DiskHold::Going),
            Stage::Uploading(_) => Some(DiskHold::Storing),
            Stage::Submitted
            | Stage::AwaitingSlot
            | Stage::QueuedToPrepare
            | Stage::QueuedToRun(_)
            | Stage::Completed { .. } => None,
        }
    }

    /// Whether it cannot go on until there is room on the disk.
    pub fn needs_room(&self) -> bool {
        match self.stage {
            Stage::QueuedToPrepare | Stage::QueuedToRun(_) | Stage::Preparing => true,
            Stage::Submitted
            | Stage::AwaitingSlot
            | Stage::Running(_)
            | Stage::Stopping(_)
            | Stage::Cut { .. }
            | Stage::Uploading(_)
            | Stage::Completed { .. } => false,
        }
    }

    /// The UUID of the build that follows this one when it ends with `status`.
    pub(super) fn auto_retry(&self, status: BuildStatus) -> Option<String> {
        let retry = self.request.auto_retry.as_ref()?;
        let again = match status {
            BuildStatus::Failed | BuildStatus::Fault | BuildStatus::TimedOut => retry.number < retry.limit,
            BuildStatus::Succeeded | BuildStatus::Stopped => false,
        };
        again.then(|| base::derived_uuid(&["auto-retry", &self.request.uuid]).to_string())
    }

    /// The ARN of the build that follows this one by itself, once it is known that one does.
    pub fn next_auto_retry(&self) -> Option<String> {
        let (status, _) = self.completed()?;
        let next = self.auto_retry(status)?;
        let resource = format!("build/{}:{next}", self.request.project);
        Some(self.request.scope.arn("codebuild", resource).to_string())
    }

    /// `buildStatus` of the API.
    pub fn status_name(&self) -> &'static str {
        self.completed().map_or("IN_PROGRESS", |(status, _)| status.name())
    }

    /// The phase that began last.
    pub fn current_phase(&self) -> Phase {
        self.phases.last().map_or(Phase::Submitted, |record| record.phase)
    }

    /// The first phase that did not succeed.
    pub fn first_failure(&self) -> Option<(Phase, &Context)> {
        self.phases.iter().find_map(|record| match &record.end {
            PhaseEnd::Ended { status, context: Some(context), .. } if *status != BuildStatus::Succeeded => {
                Some((record.phase, context))
            }
            PhaseEnd::Ended { .. } | PhaseEnd::Open => None,
        })
    }
}
