//! A shell in a job that waits where it failed (`HostConfig::hold_failed`).
//!
//! The visitor joins the job's mount and IPC namespaces, and its user namespace, but not its process namespace: the terminal
//! then belongs to processes that both sides can name, and job control works as usual. It is not the job: no control group
//! counts it, and it keeps this user's capabilities.

use std::fs;
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};
use serde::{Deserialize, Serialize};

use super::{ROLE_VARIABLE, ROLE_VISITOR};
use crate::folder::Folder;

/// How to get into a job that waits; in the file `held` of its folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    /// The init, as the host numbers it.
    pub init: u32,
    pub isolated: bool,
    pub user_namespace: bool,
    pub shell: String,
    /// Where the job finds its control folder.
    pub control: PathBuf,
}

/// Whether the job waits where it failed. `jobs_dir` is where its executor keeps its jobs.
pub fn is_held(jobs_dir: &Path, id: &str) -> bool {
    let folder = Folder::of(jobs_dir, id);
    folder.held().exists() && !folder.resume().exists()
}

/// Lets a job that waits go on to its end.
pub fn resume(jobs_dir: &Path, id: &str) -> io::Result<()> {
    fs::write(Folder::of(jobs_dir, id).resume(), b"")
}

/// Runs a shell in a job that waits, on this process's terminal, until the user leaves it. Blocks.
#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
pub fn visit(jobs_dir: &Path, id: &str) -> io::Result<ExitStatus> {
    let folder = Folder::of(jobs_dir, id);
    let shim = crate::ShimProgram::default();
    Command::new(shim.program).args(shim.arguments).arg(folder.path()).env(ROLE_VARIABLE, ROLE_VISITOR).status()
}

/// The body of the visitor, a process of its own with one thread.
#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
pub(super) fn run(folder: &Folder) -> io::Result<()> {
    let held: Held = serde_json::from_slice(&fs::read(folder.held())?)?;
    if held.isolated {
        let pid = i32::try_from(held.init).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the job's first process has no number"))?;
        let init = pidfd_open(pid, PidfdFlags::empty())?;
        let mut spaces = ThreadNameSpaceType::MOUNT | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION;
        if held.user_namespace {
            spaces |= ThreadNameSpaceType::USER;
        }
        move_into_thread_name_spaces(init.as_fd(), spaces)?;
    }
    let control = held.control.to_string_lossy().replace('\'', "'\\''");
    let terminal = std::env::var_os("TERM").unwrap_or_else(|| "dumb".into());
    // As the failed command left it: variables, folder; then the shell that the buildspec asks for.
    let enter = format!(
        ". '{control}/state'; cd \"$(cat '{control}/cwd')\"; export TERM=\"$HEADWORKS_TERM\"; unset HEADWORKS_TERM; exec {} -i",
        held.shell
    );
    let status = Command::new(&held.shell).args(["-c", &enter]).env_clear().env("HEADWORKS_TERM", terminal).status()?;
    // Whatever the last command in it said: the shell itself was there.
    if status.code() == Some(127) { Err(io::Error::other("there is no shell in the job")) } else { Ok(()) }
}
