//! All that is known of one job.

use std::collections::{BTreeMap, BTreeSet};

use base::Scope;
use formats::pipeline::{ActionTypeId, ActionTypeSettings, fill_url};
use serde::{Deserialize, Serialize};

use crate::pipeline::{Artifact, External};

/// What a job is made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewJob {
    /// The id that workers see, and the row's.
    pub id: String,
    pub scope: Scope,
    pub execution: String,
    /// The effect key of the action.
    pub key: String,
    pub pipeline: String,
    pub stage: String,
    pub action: String,
    pub action_execution: String,
    pub action_type: ActionTypeId,
    pub settings: ActionTypeSettings,
    /// Resolved; values of secret properties are sealed.
    pub configuration: BTreeMap<String, String>,
    /// Which values are sealed, as the declaration has it: a variable's value may look sealed. `None` in jobs of versions
    /// that did not note it.
    #[serde(default)]
    pub sealed: Option<BTreeSet<String>>,
    pub inputs: Vec<JobArtifact>,
    /// Where what it makes belongs.
    pub outputs: Vec<Artifact>,
    pub role_arn: String,
    /// The key of the artifact store, if it names one.
    pub encryption_key: Option<String>,
    /// What the worker said at the end of the job before.
    pub continuation: Option<String>,
    /// The same action's job number, from 1 on.
    pub number: u32,
}

/// An input artifact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobArtifact {
    pub artifact: Artifact,
    /// What a source action made it from.
    pub revision: Option<String>,
}

/// State of the `pipeline_job` machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobState {
    pub job: NewJob,
    /// What the worker has said of its work.
    pub external: External,
    pub phase: JobPhase,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobPhase {
    Queued,
    /// Handed out; whoever has this nonce may acknowledge.
    Dispatched {
        nonce: String,
        by: String,
    },
    InProgress {
        nonce: String,
        by: String,
    },
    Succeeded,
    Failed,
    /// The next job goes on.
    Continued {
        next: String,
    },
    /// Nobody wants its result any more.
    Abandoned,
}

impl JobPhase {
    /// As the model spells it. What was continued has succeeded; what was abandoned has no word of its own.
    pub fn as_str(&self) -> &'static str {
        match self {
            JobPhase::Queued => "Queued",
            JobPhase::Dispatched { .. } => "Dispatched",
            JobPhase::InProgress { .. } => "InProgress",
            JobPhase::Succeeded | JobPhase::Continued { .. } => "Succeeded",
            JobPhase::Failed => "Failed",
            JobPhase::Abandoned => "TimedOut",
        }
    }

    /// Whether nothing more will happen to it.
    pub fn is_ended(&self) -> bool {
        match self {
            JobPhase::Queued | JobPhase::Dispatched { .. } | JobPhase::InProgress { .. } => false,
            JobPhase::Succeeded | JobPhase::Failed | JobPhase::Continued { .. } | JobPhase::Abandoned => true,
        }
    }
}

impl NewJob {
    /// The job that goes on where this one ends.
    pub fn next(&self, continuation: String) -> NewJob {
        let number = self.number.saturating_add(1);
        NewJob { id: NewJob::id(&self.key, number), continuation: Some(continuation), number, ..self.clone() }
    }

    /// The id of an action's job.
    pub fn id(key: &str, number: u32) -> String {
        base::derived_uuid(&["pipeline_job", key, &number.to_string()]).to_string()
    }

    /// What jobs that one worker polls for have in common: the row's parent.
    pub fn queue(kind: &ActionTypeId) -> String {
        format!("{}/{}/{}/{}", kind.category, kind.owner, kind.provider, kind.version)
    }

    /// The address of the work elsewhere, as the action type's template has it.
    pub fn execution_url(&self, external_id: Option<&str>) -> Option<String> {
        let template = self.settings.execution_url_template.as_deref()?;
        fill_url(template, |name| match name.strip_prefix("Config:") {
            Some(property) => self.configuration.get(property).cloned(),
            None => (name == "ExternalExecutionId").then(|| external_id.map(str::to_owned))?,
        })
    }
}

impl JobState {
    /// A job that waits for a worker.
    pub fn new(job: NewJob) -> Self {
        JobState { job, external: External::default(), phase: JobPhase::Queued }
    }
}
