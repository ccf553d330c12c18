//! A container engine for one run of the tests.

use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::setup::containers;

/// A service that answers on a socket; stops when dropped, with every container that tests have left.
pub struct Containers {
    socket: PathBuf,
    service: Child,
}

impl Containers {
    /// `None` where this machine has no engine for tests; setup has said why.
    pub fn start() -> Result<Option<Containers>> {
        if containers::missing().is_some() {
            return Ok(None);
        }
        let socket = containers::folder().join("engine.sock");
        let _ = std::fs::remove_file(&socket);
        let log = std::fs::File::create(containers::folder().join("service.log"))?;
        let service = containers::podman()
            .args(["system", "service", "--time=0"])
            .arg(format!("unix://{}", socket.display()))
            // conmon leaves a file `oom` where it stands when a container runs out of memory.
            .current_dir(containers::folder())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start podman")?;
        let mut engine = Containers { socket, service };
        let deadline = Instant::now() + Duration::from_secs(60);
        while std::os::unix::net::UnixStream::connect(&engine.socket).is_err() {
            if engine.service.try_wait()?.is_some() || Instant::now() > deadline {
                let log = std::fs::read_to_string(containers::folder().join("service.log")).unwrap_or_default();
                bail!("podman's service did not become ready; its log:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        eprintln!("Podman is ready at {}", engine.socket.display());
        Ok(Some(engine))
    }

    /// What tests find the engine by.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("HEADWORKS_TEST_CONTAINER_SOCKET", self.socket.display().to_string()),
            ("HEADWORKS_TEST_PODMAN", containers::words().join(" ")),
            ("CONTAINERS_CONF", containers::configuration().display().to_string()),
        ]
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        let _ = containers::podman().args(["rm", "--all", "--force"]).output();
        let _ = self.service.kill();
        let _ = self.service.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}
