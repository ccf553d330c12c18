//! What a batch can be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::build::{BuildStatus, UploadedArtifact};

/// Inputs. Those that answer an effect carry its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BatchInput {
    /// Begins; given once, in the transaction that makes the row.
    Start,
    /// The source's buildspec.
    SpecRead {
        key: String,
        text: SpecText,
    },
    /// The source could not be had, or holds no buildspec.
    SpecFailed {
        key: String,
        code: String,
        message: String,
    },
    /// A build could not be made; or it was never made and is not wanted any more.
    BuildNotStarted {
        key: String,
        message: String,
    },
    /// Told by a build.
    BuildEnded {
        key: String,
        end: BuildEnd,
    },
    /// The artifacts of all builds are in one place.
    Combined {
        key: String,
        artifact: UploadedArtifact,
    },
    CombineFailed {
        key: String,
        code: String,
        message: String,
    },
    /// A user (or the pipeline) wants it to end.
    Stop {},
    /// Runs again what has not succeeded, or everything.
    Retry {
        all: bool,
    },
    /// The server has started again: while it was down nobody could do anything in time.
    Resumed {
        down_seconds: u64,
    },
    /// Timer: the batch's time is over, or builds that were stopped do not say so.
    DeadlinePassed {},
}

/// What fetching the source brought.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpecText {
    pub buildspec: String,
    pub resolved_version: Option<String>,
    /// By source identifier.
    pub secondary_versions: BTreeMap<String, String>,
}

/// How a build ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildEnd {
    pub status: BuildStatus,
    pub artifacts: Vec<UploadedArtifact>,
}
