//! What reads and plans without any server: the example `figures` of the crate `engine`, built as the server is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::program::{output_of, program};
use crate::workspace;

/// Of one run.
pub struct Pure {
    /// Of the largest buildspec that there is.
    pub bytes: u64,
    pub parse: Duration,
    /// Reading and planning a build graph: its builds, and the time.
    pub plans: Vec<(u64, Duration)>,
    /// Reading and checking a pipeline and taking it through the machine: its actions, and the time.
    pub pipelines: Vec<(u64, Duration)>,
}

/// Runs the example that lies beside the server's binary.
pub fn measure(binary: &Path) -> Result<Pure> {
    let example = binary.with_file_name("examples").join("figures");
    if !example.exists() {
        bail!("{} is not built", example.display());
    }
    let told = output_of(program(example).args(buildspecs()))?;
    let told: Value = serde_json::from_str(&told).context("the example's answer")?;
    let number = |name: &str| told.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}"));
    let time = |name: &str| number(name).map(Duration::from_nanos);
    let plan = |nodes: u64| time(&format!("plan_{nodes}_ns")).map(|time| (nodes, time));
    let walk = |actions: u64| time(&format!("pipeline_{actions}_ns")).map(|time| (actions, time));
    let pipelines = [50, 100, 250, 500].into_iter().map(walk).collect::<Result<_>>()?;
    let plans = [100, 200, 400, 800].into_iter().map(plan).collect::<Result<_>>()?;
    Ok(Pure { bytes: number("bytes")?, parse: time("parse_ns")?, plans, pipelines })
}

/// The corpus beside the work tree when it is there, and the fixtures.
fn buildspecs() -> Vec<PathBuf> {
    let root = workspace::root();
    let folders = ["../shared/corpus/buildspec", "../../shared/corpus/buildspec", "crates/formats/tests/buildspec/ok"];
    let files = folders.iter().filter_map(|folder| std::fs::read_dir(root.join(folder)).ok());
    files.flatten().flatten().map(|entry| entry.path()).collect()
}
