//! Builds, runs, tells.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::findings::{Told, read};
use crate::program::{cargo, must, output_of, program};
use crate::workspace;

/// What LLVM counts: edges, comparisons (so that words are guessed), the depth of the stack.
const COVERAGE: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-sanitizer-coverage-stack-depth",
];
/// One input may take so long, and so much memory, before it counts as a finding.
const SECONDS_EACH: u32 = 10;
const MEMORY_MIB: u32 = 2048;

/// What to fuzz, and how long.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only this target; all of them otherwise.
    target: Option<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 10)]
    minutes: u32,
}

/// Runs the targets. False when something was found.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let program = build()?;
    let all: Vec<String> = output_of(&mut self::program(&program))?.lines().map(str::to_owned).collect();
    let wanted = match &arguments.target {
        Some(name) if !all.contains(name) => bail!("no target is called '{name}'; there are: {}", all.join(", ")),
        Some(name) => vec![name.clone()],
        None => all,
    };
    let mut found = Vec::new();
    for name in &wanted {
        let told = fuzz(&program, name, arguments.minutes)?;
        println!("{name}: {told}");
        found.extend(told.findings);
    }
    for finding in &found {
        println!(
            "found {}\n  keep it as a test: copy it to fuzz/findings/TARGET/NAME; see it: cargo nextest run -E 'package(fuzz)'",
            finding.display()
        );
    }
    Ok(found.is_empty())
}

fn folder() -> PathBuf {
    workspace::target().join("fuzz")
}

/// The program with all targets.
fn build() -> Result<PathBuf> {
    let told = output_of(program("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?.to_owned();
    let mut build = cargo();
    // With a target named, build scripts and macros are left uncounted.
    build.args(["build", "--locked", "--package", "fuzz", "--bins", "--features", "libfuzzer", "--profile", "fuzz"]);
    build.args(["--target", &host, "--target-dir"]).arg(folder()).env("RUSTFLAGS", COVERAGE.join(" "));
    must(&mut build).context("is there a C++ compiler (Debian: g++)?")?;
    Ok(folder().join(host).join("fuzz/libfuzzer"))
}

fn fuzz(libfuzzer: &Path, name: &str, minutes: u32) -> Result<Told> {
    let [corpus, seeds, found] = ["corpus", "seeds", "findings"].map(|part| folder().join(part).join(name));
    for folder in [&corpus, &seeds, &found] {
        fs::create_dir_all(folder)?;
    }
    let log = folder().join(format!("{name}.log"));
    let mut command = program(libfuzzer);
    command
        .arg(format!("-max_total_time={}", u64::from(minutes) * 60))
        .arg(format!("-timeout={SECONDS_EACH}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg("-print_final_stats=1");
    let dictionary = workspace::root().join(format!("fuzz/dictionaries/{name}.dict"));
    if dictionary.exists() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    command.arg(&corpus).arg(&seeds).env("HEADWORKS_FUZZ_TARGET", name).env("HEADWORKS_FUZZ_SEEDS", &seeds);
    eprintln!("{name}: {minutes} min; libFuzzer's own words go to {}", log.display());
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?).status()?;
    let told = read(&String::from_utf8_lossy(&fs::read(&log)?));
    if !status.success() && told.findings.is_empty() {
        bail!("libFuzzer ended with {status}; its last words are in {}", log.display());
    }
    Ok(told)
}
