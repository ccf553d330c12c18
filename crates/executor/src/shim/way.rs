//! How to get into a job that runs, and whether it waits for somebody.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::{JobHold, JobLimits, JobSpec};
use serde::{Deserialize, Serialize};

use super::shell::BREAKPOINT;
use super::{Plan, shell};
use crate::JobState;
use crate::folder::Folder;

/// In the file `way` of the job's folder, as long as the job may be visited.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Way {
    /// The first process, as the host numbers it; of a container its own.
    pub init: u32,
    pub isolated: bool,
    pub user_namespace: bool,
    pub shell: String,
    /// Where the job finds its control folder.
    pub control: PathBuf,
    /// Who runs its commands now, if it is somebody else than who runs everything.
    pub user: Option<String>,
    /// Its shells are in the container that the job's note names.
    pub container: bool,
    pub limits: JobLimits,
}

impl Way {
    /// The way into a job of this plan; `None` when nobody is to come in.
    pub fn of(plan: &Plan, init: u32, control: &Path) -> Option<Way> {
        let JobSpec { hold, shell, .. } = &plan.spec;
        (plan.sandbox.hold_failed || *hold != JobHold::Never).then(|| Way {
            init,
            isolated: plan.sandbox.isolated,
            user_namespace: plan.sandbox.user_namespace,
            shell: if shell.is_empty() { "sh".to_owned() } else { shell.clone() },
            control: control.to_owned(),
            user: None,
            container: plan.container.is_some(),
            limits: plan.spec.limits,
        })
    }

    pub fn read(folder: &Folder) -> io::Result<Way> {
        Ok(serde_json::from_slice(&fs::read(folder.way())?)?)
    }

    /// A reader sees the old way or the new one. Nothing of it matters after a crash: the job is gone then.
    pub fn write(&self, folder: &Folder) -> io::Result<()> {
        let fresh = folder.way().with_extension("new");
        fs::write(&fresh, serde_json::to_vec(self)?)?;
        fs::rename(fresh, folder.way())
    }

    /// The job's shell: what it saves of itself only its like can read.
    pub fn program(&self) -> &str {
        match self.shell.as_str() {
            "sh" => "/bin/sh",
            "bash" if !self.container => "/bin/bash",
            // Where it is in the image its PATH knows.
            other => other,
        }
    }

    /// What a shell does first: it finds itself as the last command left the job, or as the breakpoint found it.
    pub fn enter(&self) -> String {
        let dir = shell::quoted(&self.control);
        let shell = shell::quoted(Path::new(self.program()));
        format!(
            "HEADWORKS_TERM=$TERM; if [ -r {dir}/state ]; then . {dir}/state; fi; \
             if [ -r {dir}/cwd ]; then cd \"$(cat {dir}/cwd)\"; fi; \
             export TERM=\"$HEADWORKS_TERM\"; unset HEADWORKS_TERM; exec {shell} -i"
        )
    }
}

/// Whether the job waits: where a command failed, or at a breakpoint. `jobs_dir` is where its executor keeps its jobs.
pub fn is_held(jobs_dir: &Path, id: &str) -> bool {
    let folder = Folder::of(jobs_dir, id);
    let at_breakpoint = folder.way().exists() && folder.control().join(BREAKPOINT).exists();
    at_breakpoint || (folder.held().exists() && !folder.resume().exists())
}

/// Lets a job that waits go on.
pub fn resume(jobs_dir: &Path, id: &str) -> io::Result<()> {
    let folder = Folder::of(jobs_dir, id);
    match fs::remove_file(folder.control().join(BREAKPOINT)) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        Err(_) => {}
    }
    if folder.held().exists() { fs::write(folder.resume(), b"") } else { Ok(()) }
}

/// Whether the job runs.
pub fn is_running(jobs_dir: &Path, id: &str) -> bool {
    matches!(Folder::of(jobs_dir, id).state(), Ok(Some(JobState::Running)))
}
