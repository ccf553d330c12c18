//! What an execution hears.

use std::collections::BTreeMap;

use base::Timestamp;
use formats::pipeline::{ConditionKind, RetryMode, Values};
use serde::{Deserialize, Serialize};

use super::{Artifact, External};

/// An input of the `pipeline_execution` machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExecutionInput {
    /// Sets a new execution going.
    Start,
    /// The gates let it into a stage.
    Entered { stage: String },
    /// A newer execution took its place before a stage.
    Superseded { by: String },
    /// The work of an action has begun elsewhere (a build with its id and address).
    ActionStarted { key: String, external: External },
    /// The work of an action has ended.
    ActionFinished { key: String, result: ActionResult },
    /// The runs of an action's matrix were read.
    MatrixRead { key: String, runs: Vec<Values> },
    /// An action took too long (a timer).
    ActionTimedOut { key: String },
    /// The time for which a rule waits should have come (a timer, which is late when the server was down).
    RuleDue { key: String },
    /// Someone decided on a manual approval.
    Approve(Approval),
    /// Someone asks it to stop.
    Stop { abandon: bool, reason: Option<String>, by: String },
    /// Someone wants a failed stage to be tried again. The gates have let it back in before.
    RetryStage {
        stage: String,
        mode: RetryMode,
        /// Who; inputs of earlier programs do not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// The action of its parent that wants it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<ParentRetry>,
    },
    /// Someone lets it go on although a condition of the stage is not met. The gates have let it back in before, if it had
    /// failed.
    OverrideCondition { stage: String, kind: ConditionKind, by: String },
    /// What became of the rollback that it asked for: the execution that does it, or why there is none.
    RolledBack {
        by: Option<String>,
        #[serde(default)]
        why: Option<String>,
    },
    /// The pipeline's definition was updated.
    Cancel,
}

/// An action that was retried tries the execution again that it has started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParentRetry {
    /// The action's effect key: it waits for the execution from now on.
    pub key: String,
    /// Who has brought the parent about, its retry included.
    pub starters: Vec<String>,
}

/// How the work of an action ended. Other machines write this as JSON; members that they leave out are empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ActionResult {
    Succeeded {
        #[serde(default)]
        external_execution_id: Option<String>,
        #[serde(default)]
        external_execution_url: Option<String>,
        #[serde(default)]
        summary: Option<String>,
        #[serde(default)]
        output_variables: BTreeMap<String, String>,
        #[serde(default)]
        output_artifacts: Vec<Artifact>,
        /// What a source action found.
        #[serde(default)]
        revision: Option<Revision>,
    },
    Failed {
        code: String,
        message: String,
        #[serde(default)]
        external_execution_id: Option<String>,
        #[serde(default)]
        external_execution_url: Option<String>,
        #[serde(default)]
        summary: Option<String>,
    },
}

/// The state of a source at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// The commit, the object's version or its ETag.
    pub id: String,
    /// What else tells it from others: what a worker says, an object's ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
    /// The commit's message, say.
    pub summary: Option<String>,
    pub url: Option<String>,
    /// When the revision came to be.
    pub created: Option<Timestamp>,
    /// Who pushed it (ARNs), where the source tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pushers: Vec<String>,
    /// Of a commit: what the source tells beside its id and message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Box<CommitOrigin>>,
}

/// Who wrote a commit, and what kind of host has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitOrigin {
    pub author: String,
    pub email: String,
    /// The `ProviderType` of the connection, or `CodeCommit`.
    pub provider: String,
}

impl Revision {
    /// "An additional identifier for a revision, such as a commit date or, for artifacts stored in Amazon S3 buckets, the ETag
    /// value" (API_ArtifactRevision).
    pub fn change_identifier(&self) -> Option<String> {
        self.change.clone().or_else(|| self.created.map(|at| at.format("%Y-%m-%dT%H:%M:%SZ")))
    }
}

/// The revision that a source action of an execution used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRevision {
    pub action: String,
    pub artifact: String,
    pub revision: Revision,
}

/// Why an action failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionError {
    /// `JobFailed`, `ConfigurationError`, ...
    pub code: String,
    pub message: String,
}

/// A decision on a manual approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub stage: String,
    pub action: String,
    pub token: String,
    pub verdict: Verdict,
    pub summary: String,
    pub by: String,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Approved,
    Rejected,
}
