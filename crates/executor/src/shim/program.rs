//! The body of the hidden subcommand, in each of its roles.

use super::{gateway, init, keeper, supervisor, visit};
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::container::run_attendant;
use crate::folder::Folder;

/// Set for the init, the attendant of a container, the keeper of an engine and visitors, which are the same program with the same arguments.
pub(crate) const ROLE_VARIABLE: &str = "HEADWORKS_SHIM_ROLE";
/// Set for the attendant of a container that joins a network: its path.
pub(crate) const NETWORK_VARIABLE: &str = "HEADWORKS_SHIM_NETWORK";
pub(crate) const ROLE_INIT: &str = "init";
pub(crate) const ROLE_ATTENDANT: &str = "attendant";
pub(crate) const ROLE_GATEWAY: &str = "gateway";
pub(crate) const ROLE_KEEPER: &str = "keeper";
pub(crate) const ROLE_VISITOR: &str = "visitor";
pub(crate) const ROLE_GUEST: &str = "guest";

/// What the supervisor says on its standard output, one line, as soon as it knows.
pub(crate) const SAID_BEGUN: &str = "begun";
pub(crate) const SAID_ALREADY: &str = "already";

/// Runs the job in the folder `dir`; the body of the hidden subcommand `headworks shim DIR`.
///
/// To be called first thing in `main`, before any thread is started: it enters new namespaces and starts this same program
/// with these same arguments again.
pub fn main(dir: &Path) -> ExitCode {
    let folder = Folder::at(dir);
    let role = std::env::var_os(ROLE_VARIABLE).unwrap_or_default();
    let result = match role.to_str() {
        Some(ROLE_INIT) => init::run(&folder),
        Some(ROLE_GATEWAY) => gateway::run(),
        Some(ROLE_KEEPER) => keeper::run(&folder),
        Some(ROLE_VISITOR) => return visited(visit::run(&folder)),
        Some(ROLE_GUEST) => return visited(visit::run_guest()),
        Some(ROLE_ATTENDANT) => run_attendant(&folder),
        _ => supervisor::run(&folder),
    };
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

/// The status of a visitor is that of the shell; why there is none goes to the terminal.
fn visited(status: io::Result<i32>) -> ExitCode {
    match status {
        Ok(status) => ExitCode::from(u8::try_from(status & 0xff).unwrap_or(1)),
        Err(error) => {
            eprintln!("the shell cannot be opened: {error}");
            ExitCode::FAILURE
        }
    }
}
