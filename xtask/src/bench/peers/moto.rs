//! moto's server: emulates AWS's APIs in memory; its builds and pipelines do not run.

use std::path::Path;

use anyhow::Result;

use crate::bench::process::{Server, free_address};
use crate::program::program;
use crate::workspace;

/// Starts it.
pub fn start() -> Result<Server> {
    let address = free_address()?;
    let mut command = program(workspace::bench_environment().join("bin/moto_server"));
    command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
    // It writes a line per request; a peer is not slowed down by a terminal.
    Server::peer(&mut command, address, Path::new("/dev/null"))
}
