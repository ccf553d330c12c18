//! What the container executor must be told.
//!
//! Deviation: containers use the machine's network unless the operator names another one: the server listens on loopback.

use std::path::PathBuf;

use base::JobLimits;

use super::ImageRule;
use crate::ShimProgram;

/// Settings of a [`crate::ContainerExecutor`].
#[derive(Clone, Debug)]
pub struct ContainerConfig {
    /// The server's data; the jobs' folders are in `jobs` below it. The engine must see it under the same path.
    pub data_dir: PathBuf,
    pub shim: ShimProgram,
    /// The engine's unix socket. `None`: the first of the usual ones that answers.
    pub socket: Option<PathBuf>,
    /// From names of images to what the operator has instead; the first that matches counts. What none of them matches
    /// is taken from the public registry when it is a name that CodeBuild publishes, else as it is.
    pub images: Vec<ImageRule>,
    /// The engine's name of the network: `host`, `bridge` or one of the operator's.
    pub network: String,
    /// Gives containers full access to the machine where the project asks for privileged mode.
    pub allow_privileged: bool,
    /// Limits for jobs whose spec has none.
    pub limits: JobLimits,
    /// Jobs are ended when the process that started them ends, however it ends. Only for a process that nobody starts
    /// again to go on with them.
    pub tied: bool,
}

impl ContainerConfig {
    /// Defaults: any engine that answers, the machine's network, nothing privileged.
    pub fn new(data_dir: impl Into<PathBuf>) -> ContainerConfig {
        ContainerConfig {
            data_dir: data_dir.into(),
            shim: ShimProgram::default(),
            socket: None,
            images: Vec::new(),
            network: "host".to_owned(),
            allow_privileged: false,
            limits: JobLimits { cpus: None, memory_bytes: None, processes: Some(16_384) },
            tied: false,
        }
    }

    /// Where an engine may be listening, the likeliest first.
    pub(super) fn sockets(&self) -> Vec<PathBuf> {
        if let Some(socket) = &self.socket {
            return vec![socket.clone()];
        }
        let named = std::env::var("DOCKER_HOST").ok();
        let mut sockets: Vec<PathBuf> =
            named.iter().filter_map(|host| host.strip_prefix("unix://")).map(PathBuf::from).collect();
        sockets.extend(["/var/run/docker.sock", "/run/podman/podman.sock"].map(PathBuf::from));
        let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        sockets.extend(own.iter().flat_map(|dir| [dir.join("docker.sock"), dir.join("podman/podman.sock")]));
        sockets
    }
}
