//! What a batch wants done.

use serde::{Deserialize, Serialize};

use crate::build::{ArtifactTarget, Packaging, Request};

/// Effects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BatchEffect {
    /// Fetch the source and read its buildspec. Answer: `SpecRead` or `SpecFailed`.
    ReadSpec { request: Box<Request> },
    /// Make the build of this group, if it is still wanted. Its end comes as a tell; `BuildNotStarted` when it cannot
    /// be made.
    StartBuild { identifier: String },
    /// Stop these builds; `BuildNotStarted` for those that do not exist.
    StopBuilds { builds: Vec<RunningBuild> },
    /// Put the artifacts of all builds into one place. Answer: `Combined` or `CombineFailed`.
    Combine { parts: Vec<CombinePart>, target: ArtifactTarget, batch_uuid: String, batch_arn: String },
}

/// A build that was asked for, and under which key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningBuild {
    pub key: String,
    pub build: String,
}

/// One set of artifacts of one build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CombinePart {
    /// The folder that it gets.
    pub folder: String,
    pub bucket: String,
    pub key: String,
    pub packaging: Packaging,
}
