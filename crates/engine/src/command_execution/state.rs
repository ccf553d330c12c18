//! Where a command execution stands.

use base::{CommandEnd, Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// The whole state of a command execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionState {
    pub id: String,
    /// The sandbox's id.
    pub sandbox: String,
    pub command: Secret<String>,
    pub submitted: Timestamp,
    pub progress: Progress,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    Submitted,
    Running {
        started: Timestamp,
    },
    Exited {
        started: Timestamp,
        end: CommandEnd,
    },
    /// The sandbox ended first; `started` when it is known that the command began.
    Interrupted {
        started: Option<Timestamp>,
        at: Timestamp,
        reason: String,
    },
}

impl ExecutionState {
    /// `status` of the API.
    pub fn status_name(&self) -> &'static str {
        match &self.progress {
            Progress::Submitted => "SUBMITTED",
            Progress::Running { .. } => "IN_PROGRESS",
            Progress::Exited { end: CommandEnd { exit_status: Some(0), .. }, .. } => "SUCCEEDED",
            Progress::Exited { .. } | Progress::Interrupted { .. } => "FAILED",
        }
    }
}
