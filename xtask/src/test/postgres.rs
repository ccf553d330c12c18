//! A PostgreSQL server for one run of the tests: own data folder, unix socket only, flushes as in production.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::program::{is_root, must, output_of, program, works};
use crate::setup::postgres_folder;

/// The socket's path must fit in 107 bytes and the `postgres` user must reach it: so not below `target/`.
const FOLDER_PREFIX: &str = "headworks-postgres-";

/// A running server; stops and is removed when dropped.
pub struct Postgres {
    folder: PathBuf,
    server: Child,
}

impl Postgres {
    /// Makes a cluster and waits until it accepts connections.
    pub fn start() -> Result<Postgres> {
        let binaries = postgres_folder().context("no PostgreSQL server on this machine; run `cargo xtask setup`")?;
        let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{}", std::process::id()));
        // The server trusts every connection, so nobody else may reach the socket.
        DirBuilder::new().mode(0o700).create(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        if is_root() {
            must(program("chown").arg("postgres:postgres").arg(&folder))?;
        }
        let data = folder.join("data");
        let mut initdb = as_postgres(&binaries.join("initdb"));
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync", "-D"]);
        output_of(initdb.arg(&data))?;

        let log = std::fs::File::create(folder.join("log"))?;
        let server = as_postgres(&binaries.join("postgres"))
            .arg("-D")
            .arg(&data)
            .args(["-c", "listen_addresses=", "-c", "fsync=on", "-c", "max_connections=200", "-c"])
            .arg(format!("unix_socket_directories={}", folder.display()))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start PostgreSQL")?;
        let mut postgres = Postgres { folder, server };
        postgres.wait_until_ready(&binaries)?;
        eprintln!("PostgreSQL is ready at {}", postgres.url());
        Ok(postgres)
    }

    /// What `HEADWORKS_TEST_POSTGRES` is set to.
    pub fn url(&self) -> String {
        format!("postgres://postgres@localhost/postgres?host={}", self.folder.display())
    }

    fn wait_until_ready(&mut self, binaries: &Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !works(program(binaries.join("pg_isready")).args(["-q", "-U", "postgres", "-h"]).arg(&self.folder)) {
            if self.server.try_wait()?.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                bail!("PostgreSQL did not become ready; its log:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown: it ends sessions and leaves no shared memory behind.
        let pid = self.server.id().to_string();
        if !works(program("kill").args(["-INT", &pid])) {
            eprintln!("warning: cannot stop PostgreSQL (process {pid})");
            return;
        }
        if let Err(error) = self.server.wait().and_then(|_| std::fs::remove_dir_all(&self.folder)) {
            eprintln!("warning: cannot clean up {}: {error}", self.folder.display());
        }
    }
}

/// PostgreSQL refuses to run as root; then it runs as Debian's `postgres` user, and ends when we end.
fn as_postgres(binary: &Path) -> Command {
    if !is_root() {
        return program(binary);
    }
    let mut command = program("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--pdeathsig=INT", "--"]).arg(binary);
    // The workspace may be unreadable for that user.
    command.current_dir("/");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throw_away_server_starts_and_leaves_nothing() {
        if postgres_folder().is_none() {
            println!("SKIPPED: no PostgreSQL server on this machine");
            return;
        }
        let postgres = Postgres::start().unwrap();
        let folder = postgres.folder.clone();
        let mut psql = program("psql");
        psql.args(["-U", "postgres", "-tAc", "show fsync", "-h"]).arg(&folder);
        assert_eq!(output_of(&mut psql).unwrap().trim(), "on");
        drop(postgres);
        assert!(!folder.exists());
    }
}
