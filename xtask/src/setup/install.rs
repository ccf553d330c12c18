//! The order of the steps.

use anyhow::Result;

use super::{containers, debian, nextest, python};
use crate::workspace;

/// What the machine is prepared for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The tests.
    Tests,
    /// The tests, and the peers that `bench` measures.
    Bench,
}

/// Installs what is missing, or says what is missing when it may not install.
pub fn run(wanted: Wanted) -> Result<()> {
    debian::run()?;
    python::install(&workspace::test_environment(), "xtask/python/tests.txt")?;
    if wanted == Wanted::Bench {
        python::install(&workspace::bench_environment(), "xtask/python/bench.txt")?;
    }
    nextest::run()?;
    match containers::missing() {
        None => containers::install()?,
        Some(what) => eprintln!("setup: without {what}, tests of the container executor will be skipped"),
    }
    eprintln!("setup: everything is there");
    Ok(())
}
