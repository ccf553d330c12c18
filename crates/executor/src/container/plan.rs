//! What the server decided about a job's container.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Part of the shim's plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ContainerPlan {
    /// The engine's unix socket.
    pub socket: PathBuf,
    /// The container's name.
    pub name: String,
    /// The id of the image, which the engine has.
    pub image: String,
    pub network: String,
    /// The engine can put a container into a network namespace that somebody else has made; Docker cannot.
    #[serde(default)]
    pub joins_networks: bool,
    pub privileged: bool,
    /// Whose the job's files must be afterwards, in the container's own numbers, when they would not be the server's.
    pub owner: Option<(u32, u32)>,
    /// Takes part in the machine's users, against an engine that maps root to somebody without rights.
    pub hosts_users: bool,
}
