//! A server process under measurement, and what the kernel knows about it.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::program::{output_of, program, works};

/// A folder for a server's data; removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// A new folder below the system's folder for temporary files.
    pub fn new(name: &str) -> Result<Folder> {
        let path = std::env::temp_dir().join(format!("headworks-bench-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Folder(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("warning: cannot remove {}: {error}", self.0.display());
        }
    }
}

/// A running server; stopped when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// From its start until it said, or showed, that it is ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts our server in test mode on a free port and waits for its ready line.
    pub fn ours(binary: &Path, data: &Path) -> Result<Server> {
        let log = std::fs::File::create(data.with_extension("log"))?;
        let begin = Instant::now();
        let mut child = program(binary)
            .args(["up", "--test-mode", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("HEADWORKS_EXECUTOR_KIND", "host")
            .env("HEADWORKS_LIMITS_EXECUTIONS", "0")
            .current_dir(data.parent().unwrap_or(data))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            if let Some((_, url)) = line.split_once("ready at http://") {
                let ready_after = begin.elapsed();
                let address = url.trim().trim_end_matches('/').parse().with_context(|| format!("no address: {url}"))?;
                // Later lines must not fill the pipe.
                std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
                return Ok(Server { child, address, ready_after });
            }
            line.clear();
        }
        let status = child.wait()?;
        let log = std::fs::read_to_string(data.with_extension("log")).unwrap_or_default();
        bail!("the server ended with {status} before it was ready: {}", log.trim())
    }

    /// Starts a peer on `address`, its output in `log`, and waits until it accepts connections.
    pub fn peer(command: &mut Command, address: SocketAddr, log: &Path) -> Result<Server> {
        let output = std::fs::File::create(log)?;
        let begin = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?;
        let mut server = Server { child, address, ready_after: Duration::ZERO };
        while TcpStream::connect(address).is_err() {
            if server.child.try_wait()?.is_some() || begin.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                bail!("it does not listen on {address}: {}", log.lines().last().unwrap_or("no output"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        server.ready_after = begin.elapsed();
        Ok(server)
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait().map(|_| ()).context("cannot wait for the killed server")
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib / 1024.0)
    }

    /// CPU time that the process itself has used, user and system, without its children.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in parentheses may contain anything; utime and stime are fields 14 and 15, counted with it.
        let rest = stat.rsplit_once(')').map(|(_, rest)| rest).context("no name")?;
        let ticks: Vec<u64> = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
        let per_second: u64 = output_of(program("getconf").arg("CLK_TCK"))?.trim().parse()?;
        Ok(Duration::from_secs_f64(ticks.iter().sum::<u64>() as f64 / per_second as f64))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let pid = self.child.id().to_string();
        works(program("kill").args(["-TERM", &pid]));
        let begin = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begin.elapsed() > Duration::from_secs(10) {
                eprintln!("warning: process {pid} does not end; killing it");
                if self.child.kill().and_then(|()| self.child.wait()).is_err() {
                    eprintln!("warning: cannot kill process {pid}");
                }
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A port of the loopback address that was free a moment ago.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
