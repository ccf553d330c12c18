//! The order of the checks.

use anyhow::{Result, bail};

use super::containers::Containers;
use super::junit;
use super::postgres::Postgres;
use super::tally::Tally;
use crate::program::{cargo, must, succeeds};
use crate::{setup, tidy, workspace};

/// What to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run only the tests: no formatting, lint and tidy checks.
    #[arg(long)]
    only_tests: bool,
    /// A nextest filter expression, `package(store)` say.
    #[arg(short = 'E', long)]
    filter: Option<String>,
}

/// Runs all and prints the closing line. False when anything failed.
pub fn run(arguments: &Arguments) -> Result<bool> {
    setup::run(setup::Wanted::Tests)?;
    let mut tally = Tally::default();
    if !arguments.only_tests {
        tally.check("cargo fmt", succeeds(cargo().args(["fmt", "--all", "--check"]))?);
        tally.check("cargo xtask tidy", tidy::run()?);
        let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
        tally.check("cargo clippy", succeeds(cargo().args(clippy))?);
    }
    match run_tests(arguments) {
        Ok(report) => tally.tests(&report),
        // What ran before this still counts, and the closing line must come.
        Err(error) => {
            eprintln!("error: {error:#}");
            tally.check("cargo nextest", false);
        }
    }
    Ok(tally.close())
}

fn run_tests(arguments: &Arguments) -> Result<junit::Report> {
    // The same selection as nextest's, so that nothing is built twice; it also brings the server's binary for e2e.
    must(cargo().args(["build", "--workspace", "--bins", "--tests", "--locked"]))?;

    let postgres = Postgres::start()?;
    let containers = Containers::start()?;
    let junit = workspace::target().join("nextest/whole/junit.xml");
    if junit.exists() {
        std::fs::remove_file(&junit)?; // else a run that dies early would be judged by the previous one
    }
    let environment = workspace::test_environment();
    let mut nextest = cargo();
    nextest
        .args(["nextest", "run", "--workspace", "--locked", "--profile", "whole"])
        .env("HEADWORKS_TEST_POSTGRES", postgres.url())
        .env("HEADWORKS_BIN", workspace::target().join("debug/headworks"))
        .env("HEADWORKS_TEST_VENV", environment);
    if let Some(containers) = &containers {
        nextest.envs(containers.environment());
    }
    if let Some(filter) = &arguments.filter {
        nextest.args(["-E", filter]);
    }
    let all_passed = succeeds(&mut nextest)?;
    drop(postgres);
    drop(containers);
    let Ok(text) = std::fs::read_to_string(&junit) else {
        bail!("cargo nextest wrote no report: it did not get as far as running the tests");
    };
    let report = junit::read(&text);
    if !all_passed && report.failed.is_empty() {
        bail!("cargo nextest failed, although no test in its report did");
    }
    Ok(report)
}
