//! Where a sandbox stands.

use base::CommandOrder;
use serde::{Deserialize, Serialize};

use crate::build::{BuildState, BuildStatus, Phase, Request, Stage};

/// The whole state of a sandbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SandboxState {
    pub session: BuildState,
    /// The command executions that are not over, in the order in which they were asked for.
    pub open: Vec<String>,
    /// Those of them that the job has not been handed, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<CommandOrder>,
}

impl SandboxState {
    /// A sandbox that is not yet started: feed it `Session(Start)` in the same transaction.
    pub fn new(request: Request) -> Self {
        SandboxState { session: BuildState::new(request), open: Vec::new(), waiting: Vec::new() }
    }

    /// The states of sandboxes that are not over.
    pub const OPEN: [&str; 4] = ["QUEUED", "IN_PROGRESS", "RUNNING", "STOPPING"];

    /// The states of those that are.
    pub const ENDED: [&str; 2] = ["STOPPED", "FAILED"];

    /// `status` of the API.
    pub fn status_name(&self) -> &'static str {
        match &self.session.stage {
            Stage::Submitted | Stage::AwaitingSlot | Stage::QueuedToPrepare | Stage::QueuedToRun(_) => "QUEUED",
            Stage::Preparing | Stage::Uploading(_) => "IN_PROGRESS",
            Stage::Running(_) if self.session.current_phase() == Phase::RunSandbox => "RUNNING",
            Stage::Running(_) => "IN_PROGRESS",
            Stage::Stopping(_) | Stage::Cut { .. } => "STOPPING",
            Stage::Completed { status: BuildStatus::Failed | BuildStatus::Fault, .. } => "FAILED",
            Stage::Completed {
                status: BuildStatus::Stopped | BuildStatus::TimedOut | BuildStatus::Succeeded, ..
            } => "STOPPED",
        }
    }

    /// Whether commands are taken.
    pub fn takes_commands(&self) -> bool {
        self.status_name() == "RUNNING"
    }
}
