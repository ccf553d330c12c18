//! What a sandbox wants done.

use base::CommandOrder;
use serde::{Deserialize, Serialize};

use crate::build::BuildEffect;

/// Effects. Those of the session have its keys; an order's key holds the id of its command execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SandboxEffect {
    Session(BuildEffect),
    /// Hand a command to the job. No answer: the job's reports tell what becomes of it.
    Order {
        job: String,
        order: CommandOrder,
    },
}
