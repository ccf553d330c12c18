//! `runtime-versions`: the job's own shell looks for runtimes, because only it sees what the environment has.
//!
//! Deviation: a runtime that is not there fails INSTALL, where CodeBuild, which knows its images, fails DOWNLOAD_SOURCE.

use formats::buildspec::{Buildspec, PhaseName};

/// Finds, compares and switches; see the file.
const SCRIPT: &str = include_str!("runtimes.sh");

/// What INSTALL begins with; `None` when no runtime is asked for. A runtime that is not there refuses the phase, or, when
/// `lenient`, leaves a line in the log.
pub(super) fn setup(spec: &Buildspec, lenient: bool) -> Option<String> {
    let install = spec.phases.iter().find(|phase| phase.name == PhaseName::Install)?;
    if install.runtime_versions.is_empty() {
        return None;
    }
    let mut text = SCRIPT.to_owned();
    let strictness = if lenient { "lenient" } else { "strict" };
    for (runtime, version) in &install.runtime_versions {
        let (runtime, version) = (quoted(runtime), quoted(version.trim()));
        text.push_str(&format!("headworks_runtime {runtime} {version} {strictness} || return 1\n"));
    }
    Some(text)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
