//! Runs jobs on this machine, each in its own copy-on-write view of it.
//!
//! The executor itself only writes a plan, starts a shim (see [`crate::shim`]) and reads the journal: whatever it knows of
//! a job it knows from the job's folder, and so does its successor after a crash.

mod config;
mod executor;
mod probe;

pub use config::HostConfig;
pub use executor::HostExecutor;
pub use probe::{Isolation, Unavailable, hint};
