//! The process beside each job, which outlives the server.
//!
//! ```text
//! server --spawns--> supervisor (`headworks shim DIR`): lock, journal, clock, steps, outcome      [host's view]
//!                       |  own session; one thread; knows the server only through files
//!                       '--> init (the same program again): pid 1 of the job's PID namespace      [the job's view]
//!                               |  mounts, capabilities, limits; then starts shells and reaps
//!                               '--> shell: sources the command files that the supervisor names
//! ```
//! Whoever dies takes everything below along: the kernel kills the init with its supervisor, and a PID namespace with its
//! init. A supervisor that dies leaves a journal without a lock and without an outcome: the job is lost.

mod cgroup;
mod init;
mod plan;
mod sandbox;
mod session;
mod shell;
mod steps;
mod supervisor;

use std::path::Path;
use std::process::ExitCode;

pub(crate) use cgroup::{available as available_cgroups, remove_left as remove_left_cgroups};
pub(crate) use plan::{Plan, Sandbox};

use crate::folder::Folder;

/// Set for the init only, which is the same program with the same arguments.
const ROLE_VARIABLE: &str = "HEADWORKS_SHIM_ROLE";
const ROLE_INIT: &str = "init";

/// What the supervisor says on its standard output, one line, as soon as it knows.
pub(crate) const SAID_BEGUN: &str = "begun";
pub(crate) const SAID_ALREADY: &str = "already";

/// Runs the job in the folder `dir`; the body of the hidden subcommand `headworks shim DIR`.
///
/// To be called first thing in `main`, before any thread is started: it enters new namespaces and starts this same program
/// with these same arguments again.
pub fn main(dir: &Path) -> ExitCode {
    let folder = Folder::at(dir);
    let is_init = std::env::var_os(ROLE_VARIABLE).is_some_and(|role| role == ROLE_INIT);
    let result = if is_init { init::run(&folder) } else { supervisor::run(&folder) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The server reads the first line of stdout; what comes later is for shim.log.
            println!("{error}");
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
