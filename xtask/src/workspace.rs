//! Where things are.

use std::path::{Path, PathBuf};

/// The folder that holds the workspace's `Cargo.toml`.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target folder.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The Python environment that the tests use.
pub fn test_environment() -> PathBuf {
    target().join("venv")
}

/// The Python environment with the peers that `bench` measures.
pub fn bench_environment() -> PathBuf {
    target().join("venv-bench")
}
