//! The sandbox: the environment of a build in which people run what they like, until they or its time end it.
//!
//! ```text
//!  a session, which is a build without a buildspec (`crate::build`): queue, sources, credentials, job, limits, clean-up
//!      |                                                                    its job waits for orders
//!      |  RUN_SANDBOX:  --Execute--> open, waiting --> order to the job --> CommandEnded --> closed
//!      '  completed:    every open command execution hears SandboxEnded
//! ```
//!
//! The job is handed a command when the one before is over: effects are performed side by side, and so would commands be.
//!
//! What the session is told comes through `SandboxInput::Session`, what it wants done leaves as `SandboxEffect::Session`: a
//! sandbox is a build in all that does not concern its commands. Its events are not those of builds: none is published, as
//! AWS publishes none.
//!
//! Deviation: AWS does not publish the names of a sandbox's states. QUEUED, STOPPING, STOPPED and the phases are those of its
//! samples; IN_PROGRESS (the environment is made), RUNNING (commands are taken) and FAILED are ours.

mod effect;
mod input;
mod state;
mod step;
#[cfg(test)]
mod tests;

pub use effect::SandboxEffect;
pub use input::SandboxInput;
pub use state::SandboxState;
pub use step::{Sandbox, SandboxRefusal};
