//! The test runner.

use anyhow::Result;

use crate::program::{cargo, must, works};

/// Installs cargo-nextest from crates.io when there is none.
pub fn run() -> Result<()> {
    if works(cargo().args(["nextest", "--version"])) {
        return Ok(());
    }
    must(cargo().args(["install", "cargo-nextest", "--locked"]))
}
