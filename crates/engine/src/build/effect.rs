//! What a build wants done.

use std::path::PathBuf;

use base::JobSpec;
use serde::{Deserialize, Serialize};

use super::{ArtifactPlan, CachePlan, Place, Request, Results};

/// Effects. Each kind happens at most once per build, so its key is the build's UUID and the kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum BuildEffect {
    /// Make the job's folder, fetch the sources, read the buildspec. Answer: `Prepared` or `PrepareFailed`.
    Prepare { request: Box<Request> },
    /// Run the job, keep its output, report its steps. Answer: `JobEnded`.
    Run {
        job: Box<JobSpec>,
        logs: super::Logs,
        /// Lines for the log before the job's own.
        preamble: Vec<String>,
        /// Made to appear in the job's folder before it starts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cache: Option<Box<CachePlan>>,
    },
    /// End the job; `Run` gives the answer.
    Cancel { job: String },
    /// Read the reports, make and store the artifacts, fill the cache. Answer: `Uploaded` or `UploadFailed`, and before
    /// it `Reported` when there are reports.
    Upload {
        source_dir: PathBuf,
        build_arn: String,
        sets: Vec<ArtifactPlan>,
        #[serde(default)]
        results: Box<Results>,
    },
    /// Start this build again, as the build with this UUID. No answer.
    AutoRetry { uuid: String },
    /// Write the last lines of the log and remove the job and its folder. No answer.
    Finish {
        job: String,
        work_dir: PathBuf,
        logs: super::Logs,
        lines: Vec<String>,
        /// The object that gets the whole log.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        log_object: Option<Place>,
    },
}

impl PartialEq for BuildEffect {
    fn eq(&self, other: &Self) -> bool {
        // JobSpec has no equality: its masked values must not be compared by accident.
        serde_json::to_value(self).ok() == serde_json::to_value(other).ok()
    }
}

impl BuildEffect {
    /// The effect's kind, as its key carries it.
    pub fn kind(&self) -> &'static str {
        match self {
            BuildEffect::Prepare { .. } => "prepare",
            BuildEffect::Run { .. } => "run",
            BuildEffect::Cancel { .. } => "cancel",
            BuildEffect::Upload { .. } => "upload",
            BuildEffect::AutoRetry { .. } => "auto-retry",
            BuildEffect::Finish { .. } => "finish",
        }
    }
}
