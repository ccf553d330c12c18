//! A fleet as it is stored and shown: a name for a number of builds that may run at once. The work is done where all
//! builds are done; a fleet that exists is ACTIVE.

use base::ApiError;
use engine::build_queue::{FleetSlots, Overflow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::codebuild_fleet::Row;

use super::check;
use super::errors::invalid;
use super::shapes::Tag;

/// Members of the model that are refused when they ask for something.
pub(super) const UNSUPPORTED: &[&str] =
    &["vpcConfig", "proxyConfiguration", "imageId", "scalingConfiguration", "computeConfiguration"];

/// The stored part of `Fleet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Fleet {
    pub name: String,
    pub base_capacity: i64,
    pub environment_type: String,
    pub compute_type: String,
    pub overflow_behavior: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fleet_service_role: Option<String>,
    pub tags: Vec<Tag>,
}

impl Fleet {
    /// What the queue counts with.
    pub fn slots(&self) -> FleetSlots {
        FleetSlots {
            capacity: u32::try_from(self.base_capacity).unwrap_or(0),
            overflow: if self.overflow_behavior == "ON_DEMAND" { Overflow::OnDemand } else { Overflow::Queue },
        }
    }

    /// Checks a whole fleet.
    pub fn check(&self) -> Result<(), ApiError> {
        if self.base_capacity < 1 || u32::try_from(self.base_capacity).is_err() {
            return Err(invalid("Invalid base capacity: it must be at least 1"));
        }
        check::environment_of(&self.environment_type, &self.compute_type)
    }

    /// As text for the store.
    pub fn to_text(&self) -> Result<String, ApiError> {
        serde_json::to_string(self).map_err(ApiError::internal)
    }
}

/// The row's fleet.
pub(super) fn parse(row: &Row) -> Result<Fleet, ApiError> {
    serde_json::from_value(row.config.clone()).map_err(ApiError::internal)
}

/// `Fleet` of the API.
pub(super) fn view(row: &Row) -> Value {
    let mut fleet = row.config.clone();
    fleet["arn"] = json!(row.arn);
    fleet["id"] = json!(row.arn.rsplit(':').next().unwrap_or_default());
    fleet["created"] = json!(row.created);
    fleet["lastModified"] = json!(row.modified);
    fleet["status"] = json!({ "statusCode": "ACTIVE" });
    fleet
}
