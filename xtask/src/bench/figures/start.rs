//! Start to ready, and memory at rest.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::bench::load::Times;
use crate::bench::process::{Folder, Server};
use crate::program::{output_of, program, works};

const STARTS: usize = 15;
/// Executions in the full store.
pub const EXECUTIONS: usize = 10_000;

/// Start to ready and MiB at rest, of a server on one folder of data.
pub struct Start {
    pub ready: Duration,
    pub resident_mib: f64,
}

/// A server whose data folder was made by one earlier start.
pub fn empty(binary: &Path) -> Result<Start> {
    let folder = Folder::new("empty")?;
    measure(binary, &folder.path().join("data"))
}

/// A server with 10,000 finished executions in its store.
pub fn full(binary: &Path) -> Result<Start> {
    if !works(program(binary).args(["seed", "--help"])) {
        bail!("the binary has no `seed` command that would fill a store");
    }
    let folder = Folder::new("full")?;
    let data = folder.path().join("data");
    output_of(program(binary).arg("seed").arg("--data").arg(&data).args(["--executions", &EXECUTIONS.to_string()]))?;
    measure(binary, &data)
}

fn measure(binary: &Path, data: &Path) -> Result<Start> {
    drop(Server::ours(binary, data)?); // the first start makes keys, certificates and tables
    let starts = (0..STARTS).map(|_| Ok(Server::ours(binary, data)?.ready_after)).collect::<Result<Vec<_>>>()?;
    let server = Server::ours(binary, data)?;
    std::thread::sleep(Duration::from_secs(2)); // at rest: whatever starting left to do is done
    Ok(Start { ready: Times::new(starts).percentile(50), resident_mib: server.resident_mib()? })
}
