//! Events as the event bus carries them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a machine or an operation reports to the event bus. The store adds id, time, account and region
/// (the id follows from the machine, its version and the event's place, so it never changes on replay).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `aws.codebuild`, `aws.codecommit`, ...
    pub source: String,
    /// `CodeBuild Build State Change`, ...
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// ARNs.
    pub resources: Vec<String>,
    /// The event's own body.
    pub detail: Value,
}
