//! The only event bus that there is.

use base::{ApiError, Scope};
use serde::Serialize;

use super::errors;

pub(super) const DEFAULT: &str = "default";

/// A bus as operations show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bus {
    pub name: &'static str,
    pub arn: String,
}

/// The default bus.
pub(super) fn default(scope: &Scope) -> Bus {
    Bus { name: DEFAULT, arn: arn(scope) }
}

/// Refuses any other bus than the default one, which may be given by name or by ARN.
pub(super) fn check(scope: &Scope, bus: Option<&str>) -> Result<(), ApiError> {
    match bus {
        Some(bus) if bus != DEFAULT && bus != arn(scope) => {
            Err(errors::no_bus(bus.rsplit_once("event-bus/").map_or(bus, |(_, name)| name)))
        }
        _ => Ok(()),
    }
}

fn arn(scope: &Scope) -> String {
    scope.arn("events", format!("event-bus/{DEFAULT}")).to_string()
}
