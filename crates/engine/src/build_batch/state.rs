//! Where a batch stands.

use std::collections::BTreeMap;

use base::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BatchRequest, PlannedBuild};
use crate::build::{BuildStatus, PhaseEnd, UploadedArtifact};

/// The whole state of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchState {
    pub request: BatchRequest,
    pub stage: Stage,
    /// Rises with each retry.
    pub run: u32,
    /// In the order in which they began; at most one is open, and it is the last.
    pub phases: Vec<BatchPhaseRecord>,
    pub fast_fail: bool,
    /// In the order of the buildspec; empty until it is read.
    pub groups: Vec<Group>,
    pub resolved_source_version: Option<String>,
    /// By source identifier.
    pub secondary_source_versions: BTreeMap<String, String>,
    /// What the artifacts of all builds were combined to.
    pub artifact: Option<UploadedArtifact>,
    /// When the limit that runs now is over; `None` before the start and at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Timestamp>,
    /// When a server that had been down took the batch up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Timestamp>,
}

/// What the batch waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stage {
    /// Made, and not yet started.
    Submitted,
    /// The source is being fetched and its buildspec read.
    ReadingSpec,
    /// Builds run.
    InProgress,
    /// Builds were told to end; the status is what the batch will end with.
    Stopping(BuildStatus),
    /// Artifacts are being combined.
    Combining,
    /// The end, unless it is retried.
    Completed { status: BuildStatus, at: Timestamp },
}

/// One build of the batch, with those that it replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub plan: PlannedBuild,
    pub state: GroupState,
    /// Builds of earlier runs, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prior: Vec<Ending>,
}

/// Where one build stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GroupState {
    /// Others must end first.
    Waiting,
    /// Asked for.
    Running(BuildRun),
    Ended(Ending),
    /// What it depends on failed, or the batch ended before its turn.
    NeverBegan,
}

/// A build that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildRun {
    /// The batch's run that asked for it: an id never comes back.
    pub attempt: u32,
    /// The build's id (`project:uuid`).
    pub build: String,
    pub requested: Timestamp,
}

/// A build that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    pub run: BuildRun,
    pub status: BuildStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<UploadedArtifact>,
}

/// `BuildBatchPhaseType` of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BatchPhase {
    Submitted,
    DownloadBatchspec,
    InProgress,
    CombineArtifacts,
    Succeeded,
    Failed,
    Stopped,
}

impl BatchPhase {
    /// The phase as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            BatchPhase::Submitted => "SUBMITTED",
            BatchPhase::DownloadBatchspec => "DOWNLOAD_BATCHSPEC",
            BatchPhase::InProgress => "IN_PROGRESS",
            BatchPhase::CombineArtifacts => "COMBINE_ARTIFACTS",
            BatchPhase::Succeeded => "SUCCEEDED",
            BatchPhase::Failed => "FAILED",
            BatchPhase::Stopped => "STOPPED",
        }
    }
}

/// One phase's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchPhaseRecord {
    pub phase: BatchPhase,
    pub started: Timestamp,
    pub end: PhaseEnd,
}

impl Group {
    /// The build that is running or ran last.
    pub fn current(&self) -> Option<&BuildRun> {
        match &self.state {
            GroupState::Running(run) => Some(run),
            GroupState::Ended(ending) => Some(&ending.run),
            GroupState::Waiting | GroupState::NeverBegan => None,
        }
    }

    /// How the current build ended.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.state {
            GroupState::Ended(ending) => Some(ending),
            GroupState::Waiting | GroupState::Running(_) | GroupState::NeverBegan => None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, GroupState::Running(_))
    }

    /// What depends on it may begin.
    pub(super) fn lets_on(&self) -> bool {
        self.ending().is_some_and(|e| e.status == BuildStatus::Succeeded || self.plan.ignore_failure)
    }

    /// It makes the batch fail.
    pub(super) fn failed(&self) -> bool {
        self.ending().is_some_and(|e| e.status != BuildStatus::Succeeded && !self.plan.ignore_failure)
    }
}

impl BatchState {
    /// A batch that is not yet started: feed it `Start` in the same transaction.
    pub fn new(request: BatchRequest) -> Self {
        BatchState {
            request,
            stage: Stage::Submitted,
            run: 1,
            phases: Vec::new(),
            fast_fail: false,
            groups: Vec::new(),
            resolved_source_version: None,
            secondary_source_versions: BTreeMap::new(),
            artifact: None,
            limit: None,
            resumed: None,
        }
    }

    /// The end, when it is reached.
    pub fn completed(&self) -> Option<(BuildStatus, Timestamp)> {
        match &self.stage {
            Stage::Completed { status, at } => Some((*status, *at)),
            Stage::Submitted | Stage::ReadingSpec | Stage::InProgress | Stage::Stopping(_) | Stage::Combining => None,
        }
    }

    /// `buildBatchStatus` of the API.
    pub fn status_name(&self) -> &'static str {
        self.completed().map_or("IN_PROGRESS", |(status, _)| status.name())
    }

    /// The phase that began last.
    pub fn current_phase(&self) -> BatchPhase {
        self.phases.last().map_or(BatchPhase::Submitted, |record| record.phase)
    }

    /// The group whose build is to be started under `key`, while the batch still wants it.
    pub fn wanted(&self, key: &str) -> Option<&Group> {
        match &self.stage {
            Stage::InProgress => self.groups.iter().find(|group| match &group.state {
                GroupState::Running(run) => self.build_key(group, run.attempt) == key,
                GroupState::Waiting | GroupState::Ended(_) | GroupState::NeverBegan => false,
            }),
            Stage::Submitted | Stage::ReadingSpec | Stage::Stopping(_) | Stage::Combining | Stage::Completed { .. } => {
                None
            }
        }
    }

    /// The key of the effect that starts a group's build.
    pub(super) fn build_key(&self, group: &Group, attempt: u32) -> String {
        format!("{}:build:{}:{attempt}", self.request.template.uuid, group.plan.identifier)
    }

    /// The key of an effect that each run of the batch has once.
    pub(super) fn key(&self, kind: &str) -> String {
        format!("{}:{kind}:{}", self.request.template.uuid, self.run)
    }
}
