//! What a job hears.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::pipeline::{External, Revision};

/// An input of the `pipeline_job` machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum JobInput {
    /// A worker polls.
    HandOut {
        nonce: String,
        by: String,
    },
    /// The worker with this nonce did not acknowledge in time (a timer).
    LeaseEnded {
        nonce: String,
    },
    /// The worker with this nonce begins.
    Acknowledge {
        nonce: String,
    },
    Succeed(JobSuccess),
    /// The worker is not done: the next job goes on.
    Continue {
        next: String,
        external: External,
    },
    Fail {
        code: String,
        message: String,
        external_id: Option<String>,
    },
    /// Its action type was deleted, so that no worker can have it.
    Withdraw {
        message: String,
    },
    /// The execution does not want the result any more.
    Cancel,
}

/// What came of the work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JobSuccess {
    pub external: External,
    pub variables: BTreeMap<String, String>,
    /// What a source action found.
    pub revision: Option<Revision>,
}
