//! A command execution: one command in a sandbox, from StartCommandExecution to its exit code.
//!
//! ```text
//!  Submitted --Reported(began)--> Running --Reported(ended)--> Ended(Exited)
//!      '-------------------------- SandboxEnded ------------> Ended(Interrupted)
//! ```
//!
//! Nobody but the sandbox's job runs the command, once; what cannot be known is said: a sandbox that ends first leaves the
//! command FAILED without an exit code, with the reason among its errors.

mod input;
mod state;
mod step;

pub use input::ExecutionInput;
pub use state::{ExecutionState, Progress};
pub use step::{CommandExecution, ExecutionRefusal};
