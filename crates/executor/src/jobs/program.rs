//! The program beside each job.

use std::ffi::OsString;
use std::path::PathBuf;

/// The program that becomes a job's shim: `program arguments... DIR` must call [`crate::shim::main`] with DIR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShimProgram {
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
}

impl Default for ShimProgram {
    /// This program itself with `shim DIR`.
    fn default() -> Self {
        // Through /proc: a binary that was replaced by an update is still found.
        ShimProgram { program: "/proc/self/exe".into(), arguments: vec!["shim".into()] }
    }
}
