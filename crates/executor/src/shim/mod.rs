//! The process beside each job, which outlives the server.
//!
//! ```text
//! server --spawns--> supervisor (`headworks shim DIR`): lock, journal, clock, steps, outcome      [host's view]
//!                       |  own session; one thread; knows the server only through files
//!                       '--> init (the same program again): pid 1 of the job's PID namespace      [the job's view]
//!                               |  mounts, capabilities, limits; then starts shells and reaps
//!                               '--> shell: sources the command files that the supervisor names
//! ```
//! When the job's shell is in a container, an attendant (the same program, in [`crate::ContainerExecutor`]'s module) takes the
//! init's place: it talks to the engine, and the container's first process starts the shells.
//!
//! A job that may have a container engine of its own has a keeper for it (`keeper`) besides, and a network of its own
//! (`gateway`).
//!
//! Whoever dies takes everything below along: the kernel kills the init with its supervisor, and a PID namespace with its
//! init. A supervisor that dies leaves a journal without a lock and without an outcome: the job is lost.

mod cgroup;
mod gateway;
mod init;
mod keeper;
mod orders;
mod plan;
mod program;
mod sandbox;
mod session;
mod shell;
mod steps;
mod supervisor;
mod user;
mod visit;
mod way;
mod words;

pub(crate) use cgroup::{available as available_cgroups, remove_left as remove_left_cgroups};
pub(crate) use plan::{Plan, Sandbox};
pub use program::main;
pub(crate) use program::{
    NETWORK_VARIABLE, ROLE_ATTENDANT, ROLE_GATEWAY, ROLE_GUEST, ROLE_INIT, ROLE_KEEPER, ROLE_VARIABLE, ROLE_VISITOR,
    SAID_ALREADY, SAID_BEGUN,
};
pub(crate) use session::message;
pub(crate) use shell::{CA_BUNDLE, INSIDE, Orders, first_script, is_assignable};
pub use visit::{Terminal, Visit, VisitError};
pub(crate) use way::Way;
pub use way::{is_held, is_running, resume};
