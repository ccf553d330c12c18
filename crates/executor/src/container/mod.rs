//! Runs jobs in containers of a Docker or Podman engine on this machine.
//!
//! A job is supervised as on the host: the same shim beside it holds the journal, the time limit and the secrets that are
//! masked, outlives the server, and runs the steps in one shell. Only that shell is in a container. What is between them
//! is the job's control folder, which is mounted into the container: a small POSIX script is the container's first process
//! and starts shells; orders, statuses and output go through named pipes. So an image needs `/bin/sh` and `cat`, nothing of
//! ours runs in it that would need its libraries, and no byte of output goes through the engine.
//!
//! * [`images`]: from the name in a project to an image of the operator's.
//! * [`engine`]: the calls to the engine's API, each with a time limit.
//! * [`pull`]: gets an image and says how far it is.
//! * [`private`]: which images only those may have who can log in to their registry.
//! * [`attendant`]: the process beside the shim that starts, watches and removes the container.
//! * [`ContainerExecutor`]: puts them together, and falls back to the host where that is allowed.

mod attendant;
mod config;
mod engine;
mod executor;
mod images;
mod late;
mod leftover;
mod plan;
mod private;
mod probe;
mod pull;
mod visitor;

pub(crate) use attendant::{kill, run as run_attendant};
pub use config::ContainerConfig;
pub use executor::ContainerExecutor;
pub use images::{ImageRule, ImageTarget};
pub use late::LateEngine;
pub(crate) use leftover::{Note, remove_left, remove_noted};
pub(crate) use plan::ContainerPlan;
pub use probe::NoEngine;
pub(crate) use visitor::visit;
