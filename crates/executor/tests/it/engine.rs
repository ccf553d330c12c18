//! A container engine for the tests: the one that `cargo xtask test` starts.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base::JobSpec;
use executor::{ContainerConfig, ContainerExecutor, Executor as _, ShimProgram};

use crate::rig::{Seen, base_dir, follow, spec};

/// A busybox with links for its commands. `cargo xtask setup` makes it.
pub const IMAGE: &str = "localhost/headworks-test/busybox:1";
/// An image with a text file and nothing else.
pub const EMPTY_IMAGE: &str = "localhost/headworks-test/empty:1";

/// A container executor over its own data folder.
pub struct ContainerRig {
    pub executor: ContainerExecutor,
    pub dir: tempfile::TempDir,
    pub socket: PathBuf,
}

impl ContainerRig {
    /// `None` without an engine; says so.
    pub async fn new() -> Option<ContainerRig> {
        ContainerRig::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut ContainerConfig)) -> Option<ContainerRig> {
        let socket = socket()?;
        let dir = tempfile::Builder::new().prefix("container-").tempdir_in(base_dir()).unwrap();
        let mut config = config(&dir, socket.clone());
        change(&mut config);
        let socket = config.socket.clone().unwrap_or(socket);
        let executor = ContainerExecutor::probe(config).await.unwrap();
        Some(ContainerRig { executor, dir, socket })
    }

    pub fn spec(&self, id: &str, commands: &[&str]) -> JobSpec {
        let work_dir = self.dir.path().join("work").join(id);
        std::fs::create_dir_all(&work_dir).unwrap();
        spec(id, &work_dir, commands)
    }

    pub async fn run(&self, spec: &JobSpec) -> Seen {
        self.executor.start(spec).await.unwrap();
        let seen = follow(&self.executor, &spec.id).await;
        self.executor.destroy(&spec.id).await.unwrap();
        seen
    }

    /// The names of this rig's containers. Only the engine's user can ask.
    pub async fn containers(&self) -> Vec<String> {
        if !rustix::process::geteuid().is_root() {
            return Vec::new();
        }
        let jobs = self.executor.jobs_dir().display().to_string();
        let list =
            podman(&["ps", "--all", "--filter", &format!("label=headworks.jobs={jobs}"), "--format", "{{.Names}}"]);
        list.lines().map(str::to_owned).collect()
    }
}

pub fn config(dir: &tempfile::TempDir, socket: PathBuf) -> ContainerConfig {
    let shim = ShimProgram { program: env!("CARGO_BIN_EXE_executor-shim").into(), arguments: Vec::new() };
    ContainerConfig { shim, socket: Some(socket), ..ContainerConfig::new(dir.path()) }
}

/// Where the engine listens; says so when there is none.
pub fn socket() -> Option<PathBuf> {
    let socket = std::env::var_os("HEADWORKS_TEST_CONTAINER_SOCKET").map(PathBuf::from);
    if socket.is_none() {
        eprintln!(
            "SKIPPED: HEADWORKS_TEST_CONTAINER_SOCKET is not set: `cargo xtask test` starts an engine where it can"
        );
    }
    socket
}

/// The engine's command with the options that lead to the same storage.
#[expect(clippy::disallowed_methods, reason = "the test is about an engine and its processes")]
fn podman_command() -> Command {
    let line = std::env::var("HEADWORKS_TEST_PODMAN").expect("it is set together with the socket");
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words);
    command
}

/// Runs the engine's command and gives what it prints.
pub fn podman(arguments: &[&str]) -> String {
    let output = podman_command().args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// An engine of the test's own, over the same storage, that can be killed.
pub struct OwnEngine {
    pub socket: PathBuf,
    process: Child,
}

impl OwnEngine {
    pub fn start(dir: &tempfile::TempDir) -> OwnEngine {
        let socket = dir.path().join("engine.sock");
        let _ = std::fs::remove_file(&socket);
        let process = podman_command()
            .args(["system", "service", "--time=0", &format!("unix://{}", socket.display())])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < deadline, "the engine did not begin to listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        OwnEngine { socket, process }
    }

    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let _ = std::fs::remove_file(&self.socket);
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
