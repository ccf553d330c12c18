//! What a batch is settled with, once, by StartBuildBatch.

use serde::{Deserialize, Serialize};

use crate::build::{Parent, Request};

/// Everything that a batch needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchRequest {
    /// The project with all overrides: each build is this with the changes of its node. Its id and UUID are the
    /// batch's own.
    pub template: Request,
    /// `buildBatchNumber`.
    pub number: i64,
    pub timeout_minutes: u32,
    pub combine_artifacts: bool,
    pub restrictions: Restrictions,
    /// Who waits for the end: its machine gets `{"ActionFinished": {"key": ..., "result": ...}}`.
    pub parent: Option<Parent>,
    /// `buildBatchConfig` as it was given, in canonical JSON.
    pub config: serde_json::Value,
}

/// What a batch may not exceed; empty lists allow everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restrictions {
    pub maximum_builds: Option<u32>,
    pub compute_types: Vec<String>,
    pub fleets: Vec<String>,
}

impl BatchRequest {
    /// The batch's ARN.
    pub fn arn(&self) -> String {
        self.template.scope.arn("codebuild", format!("build-batch/{}", self.template.id)).to_string()
    }
}
