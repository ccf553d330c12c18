//! What a command execution can be told.

use base::CommandRecord;
use serde::{Deserialize, Serialize};

/// Inputs. The same one twice changes nothing more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ExecutionInput {
    /// What the sandbox's job says of it.
    Reported(CommandRecord),
    /// Told by the sandbox: it is over, and nothing more will be heard.
    SandboxEnded { reason: String },
}
