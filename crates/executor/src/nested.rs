//! A container engine for one job alone: who gets one, and which.
//!
//! It is the machine's Podman, started beside the job by its shim (`shim::keeper`), with a storage in the job's folder and
//! nothing in common with the engine of the machine: it ends with the job, and its storage goes with the job's folder.
//! Clients in the job find its socket in `DOCKER_HOST`.

use std::fs::File;
use std::io;
use std::os::fd::IntoRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base::{JobLayers, JobSpec};
use serde::{Deserialize, Serialize};

use crate::folder::make_private_dir;

/// The socket in the job's control folder, by its name.
pub(crate) const SOCKET: &str = "docker.sock";
/// Where the engine finds its storage.
pub(crate) const STORAGE: &str = "/var/lib/containers";

/// Where it finds layers that it may only read.
pub(crate) const OTHERS: &str = "/var/lib/headworks-layers";

/// The storage that an engine begins with.
#[derive(Debug)]
pub(crate) enum Storage {
    /// An empty one, in the job's folder.
    Own,
    /// That of earlier jobs, for this one alone.
    Kept(PathBuf),
    /// An empty one; layers of earlier jobs can be read.
    Beside(PathBuf),
}

impl Storage {
    /// Decides, and holds what it has decided on for as long as this process lives.
    pub fn open(layers: Option<&JobLayers>) -> io::Result<Storage> {
        let Some(JobLayers { dir, writes }) = layers else { return Ok(Storage::Own) };
        make_private_dir(&dir.join("storage"))?;
        let lock = File::options().read(true).append(true).create(true).mode(0o600).open(dir.join("lock"))?;
        let storage = if *writes && lock.try_lock().is_ok() {
            Storage::Kept(dir.clone())
        } else if lock.try_lock_shared().is_ok() {
            Storage::Beside(dir.clone())
        } else {
            return Ok(Storage::Own);
        };
        // It goes with the process: the first one of the job's namespace, which is the last one to go.
        let _ = lock.into_raw_fd();
        Ok(storage)
    }
}

/// The programs of an engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nested {
    pub podman: PathBuf,
    /// `runc`, or `crun` where there is no other: crun refuses machines with both versions of control groups.
    pub runtime: PathBuf,
}

impl Nested {
    /// What a job gets; the error is for its user, and names what is missing.
    ///
    /// `obstacle`: why no job can have one here.
    pub fn decide(spec: &JobSpec, is_allowed: bool, obstacle: Option<&str>) -> Result<Nested, String> {
        let mut switches = Vec::new();
        if !spec.container.privileged {
            switches.push("privilegedMode is not set in the project's environment");
        }
        if !is_allowed {
            switches.push("executor.allow_privileged is not set in the server's settings");
        }
        if !switches.is_empty() {
            return Err(switches.join(", and "));
        }
        if let Some(obstacle) = obstacle {
            return Err(obstacle.to_owned());
        }
        let podman = find("podman").ok_or("Podman is not installed on the server's machine")?;
        let runtime = find("runc").or_else(|| find("crun"));
        let runtime = runtime.ok_or("neither runc nor crun is installed on the server's machine")?;
        if !can_route() {
            return Err("ip and iptables are not both installed on the server's machine".to_owned());
        }
        Ok(Nested { podman, runtime })
    }

    /// What the job asks of a layer cache and does not get.
    pub fn layers_note(spec: &JobSpec, decided: &Result<Nested, String>) -> Option<String> {
        let reason = decided.as_ref().err().filter(|_| spec.container.layers.is_some())?;
        Some(format!("cache mode LOCAL_DOCKER_LAYER_CACHE has no effect: {reason}"))
    }

    /// Tells the clients of Docker and of Podman where the engine is; what the user says wins.
    pub fn set_variables(spec: &mut JobSpec, control: &Path) {
        let socket = format!("unix://{}", control.join(SOCKET).display());
        for name in ["DOCKER_HOST", "CONTAINER_HOST"] {
            spec.env.entry(name.to_owned()).or_insert_with(|| socket.clone());
        }
    }
}

/// Whether this machine has the programs that make a network for a job.
pub(crate) fn can_route() -> bool {
    ["ip", "iptables"].iter().all(|name| find(name).is_some())
}

fn find(name: &str) -> Option<PathBuf> {
    let dirs = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    dirs.into_iter().map(|dir| Path::new(dir).join(name)).find(|path| path.is_file())
}

/// Whether a command that failed, or what it said, is about a container engine.
pub(crate) fn wants_engine(command: &str, said: &[u8]) -> bool {
    const SAID: [&[u8]; 3] = [b"Docker daemon", b"docker.sock", b"docker: "];
    let is_word = |word: &str| matches!(word.rsplit('/').next(), Some("docker" | "docker-compose" | "podman"));
    let mut words = command.split(|c: char| c.is_whitespace() || ";&|()`$\"'{}".contains(c));
    words.any(is_word) || SAID.iter().any(|text| said.windows(text.len()).any(|window| window == *text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_need_an_engine_are_known_by_their_words_or_by_what_they_say() {
        assert!(wants_engine("cd app && docker build -t x .", b""));
        assert!(wants_engine("x=$(docker images)", b""));
        assert!(wants_engine("make image", b"Cannot connect to the Docker daemon at unix:///var/run/docker.sock."));
        assert!(wants_engine("./build.sh", b"./build.sh: 3: docker: not found\n"));
        assert!(!wants_engine("npm test", b"see the docs on docker\n"));
        assert!(!wants_engine("cat docker.txt", b""));
    }
}
