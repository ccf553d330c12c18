//! What the container executor must be told.
//!
//! Deviation: containers use the machine's network unless the operator names another one: the server listens on loopback.

use std::path::PathBuf;

use base::JobLimits;

use super::ImageRule;
use crate::{HostConfig, ShimProgram};

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
    /// What else of this machine the container engine that a job gets for itself does not see, and what it does: as
    /// [`HostConfig`] has them for jobs in the sandbox.
    pub hidden: Vec<PathBuf>,
    pub visible: Vec<PathBuf>,
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
            hidden: Vec::new(),
            visible: Vec::new(),
            allow_privileged: false,
            limits: JobLimits { cpus: None, memory_bytes: None, processes: Some(16_384) },
            tied: false,
        }
    }

    /// Of this machine, what is hidden from an engine beside a container, and what is shown all the same: what it is for a
    /// job in the sandbox.
    pub(super) fn view(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let mut host = HostConfig::new(&self.data_dir);
        host.hidden.extend(self.hidden.iter().cloned());
        host.visible.extend(self.visible.iter().cloned());
        let HostConfig { data_dir, mut hidden, visible, .. } = host.resolved();
        hidden.push(data_dir);
        (hidden, visible)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_beside_a_container_sees_no_more_than_a_job_in_the_sandbox() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let mut config = ContainerConfig::new(&top);
        (config.hidden, config.visible) = (vec!["/srv/secrets".into()], vec!["/srv/secrets/shown".into()]);
        let (hidden, visible) = config.view();
        assert!(hidden.contains(&PathBuf::from("/srv/secrets")) && hidden.contains(&top), "{hidden:?}");
        assert!(visible.contains(&PathBuf::from("/srv/secrets/shown")), "{visible:?}");
    }
}
