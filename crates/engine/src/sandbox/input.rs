//! What a sandbox can be told.

use base::Secret;
use serde::{Deserialize, Serialize};

use crate::build::BuildInput;

/// Inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SandboxInput {
    /// What concerns the environment.
    Session(BuildInput),
    /// A user wants a command run; the command execution's row is made in the same transaction.
    Execute { execution: String, command: Secret<String> },
    /// Told by a command execution: it is over.
    CommandEnded { execution: String },
}
