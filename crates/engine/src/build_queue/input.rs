//! What a queue hears.

use serde::{Deserialize, Serialize};

use super::FleetSlots;
use crate::build::Purpose;

/// Inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum QueueInput {
    /// A build wants to run.
    Ask { ticket: Ticket },
    /// A build is over, or does not want to run any more.
    Leave { build: String },
    /// The limit of a project was changed; `None` lifts it.
    Project { name: String, limit: Option<u32> },
    /// A fleet was changed; `None` when it was deleted: its builds run without it.
    Fleet { arn: String, slots: Option<FleetSlots> },
}

/// What a build brings along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The build's id.
    pub build: String,
    pub project: String,
    /// Which machine it is that hears of its turn.
    #[serde(default)]
    pub purpose: Purpose,
    pub limits: Limits,
}

/// The limits that concern a build, as they were when it was submitted; the newest word counts for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<FleetLimit>,
}

/// A fleet and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetLimit {
    pub arn: String,
    pub slots: FleetSlots,
}

impl Limits {
    /// Nothing limits the build: it need not ask.
    pub fn is_none(&self) -> bool {
        *self == Limits::default()
    }
}
