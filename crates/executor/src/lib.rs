//! Runs jobs: one trait, several implementations, and the small process that outlives the server beside each job.
//!
//! * [`Executor`]: the contract that every implementation keeps.
//! * [`host`]: a job in a copy-on-write view of this machine.
//! * [`ContainerExecutor`]: a job in a container of a Docker or Podman engine.
//! * [`dummy`]: an executor that can be told to fail in every way; for tests.
//! * [`shim`]: the process that `headworks shim DIR` becomes.

mod container;
mod contract;
pub mod dummy;
mod folder;
mod forms;
pub mod host;
mod jobs;
mod journal;
mod nested;
mod output;
pub mod shim;

pub use container::{ContainerConfig, ContainerExecutor, ImageRule, ImageTarget, LateEngine, NoEngine};
pub use contract::{
    BoxFuture, BoxStream, Executor, ExecutorError, JobEntry, JobReport, JobState, Position, Progress, Reports, Started,
};
pub use dummy::{Behaviour, DummyExecutor};
pub use folder::remove_tree;
pub use host::{HostConfig, HostExecutor, Isolation, Unavailable};
pub use jobs::ShimProgram;
