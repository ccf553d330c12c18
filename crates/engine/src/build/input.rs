//! What a build can be told.

use std::collections::BTreeMap;

use base::{JobOutcome, StepRecord, Timestamp};
use serde::{Deserialize, Serialize};

use super::Packaging;

/// Inputs. Those that answer an effect carry its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BuildInput {
    /// Begins; given once, in the transaction that makes the row.
    Start,
    /// Told by the queue: a slot is free.
    Admitted {},
    /// Somebody works at it now. May be left out or come twice: what follows implies it.
    Began { key: String, at: Timestamp },
    /// The sources are there.
    Prepared { key: String, sourced: Sourced },
    /// A source or the environment could not be had.
    PrepareFailed { key: String, failure: SourceFailure },
    /// A value that a variable refers to could not be had; the job did not start.
    SecretsFailed { key: String, code: String, message: String },
    /// Steps of the job began or ended; a record may come more than once.
    StepsReported { key: String, steps: Vec<StepRecord> },
    /// The job is over.
    JobEnded { key: String, outcome: JobOutcome },
    /// Every artifact is stored.
    Uploaded { key: String, artifacts: Vec<UploadedArtifact> },
    /// The reports that were made, by ARN.
    Reported { key: String, reports: Vec<String> },
    /// An artifact could not be made or stored.
    UploadFailed { key: String, code: String, message: String },
    /// A user (or the pipeline) wants it to end.
    Stop {},
    /// There is no room left where the data is, so nothing can go on that takes more.
    DiskFull {},
    /// The server has started again and has claimed nothing yet: while it was down nobody could do anything in time. Told
    /// again, should it be interrupted, it counts what was told before once.
    Resumed {
        #[serde(default)]
        down_seconds: u64,
    },
    /// Timer: nobody began in time.
    QueueTimedOut {},
    /// Timer: the build's time is over and whoever works at it has not said so.
    DeadlinePassed {},
}

/// What fetching the sources brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sourced {
    pub provisioned: Timestamp,
    /// What the user should know about where the build runs, a line each.
    #[serde(default)]
    pub environment: Vec<String>,
    pub resolved_version: Option<String>,
    /// By source identifier.
    pub secondary_versions: BTreeMap<String, String>,
    /// The buildspec's text, read from where the request says.
    pub buildspec: String,
}

/// Why preparing failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SourceFailure {
    /// No place to run in.
    Environment { reason: String },
    /// A source could not be fetched, or holds no buildspec.
    Source { code: String, message: String },
}

/// One stored set of artifacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedArtifact {
    pub identifier: Option<String>,
    /// `arn:aws:s3:::bucket/key`.
    pub location: String,
    pub bucket: String,
    pub key: String,
    pub packaging: Packaging,
    /// Of a zip, in hexadecimal; empty for folders.
    pub md5: String,
    pub sha256: String,
}
