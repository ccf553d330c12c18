//! What the server writes down for the shim.

use std::path::PathBuf;

use base::JobSpec;
use serde::{Deserialize, Serialize};

use crate::container::ContainerPlan;

/// Everything that a shim needs to know; decided by the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// With the executor's own additions to the environment.
    pub spec: JobSpec,
    pub sandbox: Sandbox,
    /// The job's shell is in a container instead of a sandbox.
    #[serde(default)]
    pub container: Option<ContainerPlan>,
}

/// How the job is kept apart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sandbox {
    /// False: no namespaces at all; somebody asked for it.
    pub isolated: bool,
    /// True when the server is not root: namespaces need a user namespace around them.
    pub user_namespace: bool,
    /// Folders that are empty and files that read as empty inside.
    pub hidden: Vec<PathBuf>,
    /// Exceptions from `hidden`, copy-on-write.
    pub visible: Vec<PathBuf>,
    /// The process whose end is the job's end, too; `None`: the job outlives whoever started it.
    #[serde(default)]
    pub tied_to: Option<u32>,
    /// A job whose command fails waits there, once, until it is told to go on.
    #[serde(default)]
    pub hold_failed: bool,
}
