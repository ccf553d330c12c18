//! What the server writes down for the shim.

use std::path::{Path, PathBuf};

use base::JobSpec;
use serde::{Deserialize, Serialize};

use super::INSIDE;
use crate::container::ContainerPlan;
use crate::nested::Nested;

/// Everything that a shim needs to know; decided by the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// With the executor's own additions to the environment.
    pub spec: JobSpec,
    pub sandbox: Sandbox,
    /// The job's shell is in a container instead of a sandbox.
    #[serde(default)]
    pub container: Option<ContainerPlan>,
    /// The container engine that the job gets for itself.
    #[serde(default)]
    pub nested: Option<Nested>,
    /// Why it gets none.
    #[serde(default)]
    pub no_engine: Option<String>,
}

impl Plan {
    /// The same with what was decided about an engine of the job's own.
    pub fn with_engine(mut self, decided: Result<Nested, String>) -> Plan {
        match decided {
            Ok(nested) => {
                Nested::set_variables(&mut self.spec, Path::new(INSIDE));
                self.nested = Some(nested);
            }
            Err(reason) => self.no_engine = Some(reason),
        }
        self
    }
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
