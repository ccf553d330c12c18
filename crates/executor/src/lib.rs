//! Runs jobs: one trait, several implementations, and the small process that outlives the server beside each job.
//!
//! * [`Executor`]: the contract that every implementation keeps.
//! * [`host`]: a job in a copy-on-write view of this machine.
//! * [`dummy`]: an executor that can be told to fail in every way; for tests.
//! * [`shim`]: the process that `headworks shim DIR` becomes.

mod contract;
pub mod dummy;
mod folder;
mod forms;
pub mod host;
mod journal;
mod output;
pub mod shim;

pub use contract::{
    BoxFuture, BoxStream, Executor, ExecutorError, JobEntry, JobReport, JobState, Position, Reports, Started,
};
pub use dummy::{Behaviour, DummyExecutor};
pub use folder::remove_tree;
pub use host::{HostConfig, HostExecutor, Isolation, ShimProgram, Unavailable};
