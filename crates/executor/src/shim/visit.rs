//! A shell in a job that runs, on a terminal of its own.
//!
//! ```text
//! Visit (in whoever opens it): the terminal's master end, the window's size, the visitor's end
//!    '--> visitor [host's view]: joins the job's control groups and namespaces, gives up what the job lacks
//!            '--> guest [the job's view]: a session of its own with the terminal, and the job's user; then the shell
//! ```
//! The guest is held to what holds the job's own commands, and goes when the job goes. Where the job's shells are in a
//! container, the visitor asks the engine for one more (`crate::container::visitor`).

use std::fs;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, OutputModes, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use rustix::thread::{ThreadNameSpaceType, move_into_thread_name_spaces};

use super::user::User;
use super::way::Way;
use super::{ROLE_GUEST, ROLE_VARIABLE, ROLE_VISITOR, cgroup, sandbox};
use crate::JobState;
use crate::folder::Folder;

/// The way, for the guest, who does not see the job's folder.
const WAY_VARIABLE: &str = "HEADWORKS_WAY";

/// What the user sits at.
#[derive(Clone, Debug)]
pub struct Terminal {
    pub rows: u16,
    pub columns: u16,
    /// `xterm-256color` and the like.
    pub kind: String,
    /// False when nobody types: what goes in is not to come out again.
    pub echo: bool,
}

/// A shell that was opened in a job.
pub struct Visit {
    master: OwnedFd,
    visitor: Child,
}

/// Why no shell was opened.
#[derive(Debug, thiserror::Error)]
pub enum VisitError {
    #[error("it does not run")]
    NotRunning,
    #[error("it takes no visitors")]
    Closed,
    #[error("the shell cannot be opened: {0}")]
    Io(#[from] io::Error),
}

impl From<Errno> for VisitError {
    fn from(e: Errno) -> Self {
        VisitError::Io(e.into())
    }
}

impl Visit {
    /// Opens a shell in a job. `jobs_dir` is where its executor keeps its jobs. The shell goes when this value does.
    #[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
    pub fn open(jobs_dir: &Path, id: &str, terminal: &Terminal) -> Result<Visit, VisitError> {
        let folder = Folder::of(jobs_dir, id);
        if folder.state()? != Some(JobState::Running) {
            return Err(VisitError::NotRunning);
        }
        if !folder.way().try_exists()? {
            return Err(VisitError::Closed);
        }
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        set_size(&slave, terminal.rows, terminal.columns)?;
        if !terminal.echo {
            let mut modes = tcgetattr(&slave)?;
            modes.local_modes.remove(LocalModes::ECHO);
            modes.output_modes.remove(OutputModes::ONLCR);
            tcsetattr(&slave, OptionalActions::Now, &modes)?;
        }
        let shim = crate::ShimProgram::default();
        let visitor = Command::new(shim.program)
            .args(shim.arguments)
            .arg(folder.path())
            .env_clear()
            .env(ROLE_VARIABLE, ROLE_VISITOR)
            .env("TERM", &terminal.kind)
            .current_dir("/")
            .stdin(slave.try_clone()?)
            .stdout(slave.try_clone()?)
            .stderr(slave)
            .spawn()?;
        Ok(Visit { master, visitor })
    }

    /// What the shell writes is read here, and what it reads is written here. `EIO` when nobody has the other end any more.
    pub fn master(&self) -> io::Result<OwnedFd> {
        self.master.try_clone()
    }

    /// Tells the shell the size of its window.
    pub fn resize(&self, rows: u16, columns: u16) -> io::Result<()> {
        set_size(&self.master, rows, columns)
    }

    /// How the shell ended, once it has.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.visitor.try_wait()
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        // The guest is tied to it.
        let _ = self.visitor.kill();
        let _ = self.visitor.wait();
    }
}

fn set_size(terminal: &OwnedFd, rows: u16, columns: u16) -> io::Result<()> {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(terminal, size)?)
}

/// The body of the visitor, a process of its own with one thread; its status is the shell's.
#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
pub(super) fn run(folder: &Folder) -> io::Result<i32> {
    let way = Way::read(folder)?;
    if way.container {
        return crate::container::visit(folder, &way);
    }
    // Found before the view changes, and opened by its number in the job's own /proc.
    let program = fs::File::open("/proc/self/exe")?;
    cgroup::join(folder)?;
    cgroup::set_process_limits(&way.limits);
    if way.isolated {
        let pid = i32::try_from(way.init).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the job's first process has no number"))?;
        let init = pidfd_open(pid, PidfdFlags::empty())?;
        let mut spaces = ThreadNameSpaceType::MOUNT
            | ThreadNameSpaceType::INTER_PROCESS_COMMUNICATION
            | ThreadNameSpaceType::PROCESS_ID;
        // Only a job with an engine has a network of its own; to join the machine's again takes rights that not all have.
        let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
        if network("self").zip(network(&way.init.to_string())).is_some_and(|(ours, its)| ours != its) {
            spaces |= ThreadNameSpaceType::NETWORK;
        }
        if way.user_namespace {
            spaces |= ThreadNameSpaceType::USER;
        }
        move_into_thread_name_spaces(init.as_fd(), spaces)?;
        // Before anything of the job's view is run: its root may have put what it likes where a program is loaded from.
        sandbox::drop_privileges().map_err(io::Error::other)?;
    }
    let mut arguments = std::env::args_os();
    let _program = arguments.next();
    let mut guest = Command::new(format!("/proc/self/fd/{}", program.as_raw_fd()));
    guest.args(arguments).env_clear().env(ROLE_VARIABLE, ROLE_GUEST);
    guest.env("TERM", std::env::var_os("TERM").unwrap_or_else(|| "dumb".into()));
    guest.env(WAY_VARIABLE, serde_json::to_string(&way)?);
    let status = guest.current_dir("/").stdin(Stdio::inherit()).status()?;
    Ok(status_number(status))
}

fn status_number(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// The body of the guest: makes itself one of the job's processes, then becomes the shell. Only returns with an error.
#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
pub(super) fn run_guest() -> io::Result<i32> {
    let variable = |name: &str| std::env::var(name).map_err(io::Error::other);
    let way: Way = serde_json::from_str(&variable(WAY_VARIABLE)?)?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // A session of its own, with the terminal: job control needs both inside the job.
    rustix::process::setsid()?;
    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let mut words: Vec<String> = Vec::new();
    let mut user = None;
    if let Some(name) = &way.user {
        let found = User::find(name).ok_or_else(|| io::Error::other(format!("there is no user {name} here")))?;
        words.extend(found.wrapper());
        user = Some(found);
    }
    words.extend([way.program().to_owned(), "-c".to_owned(), way.enter()]);
    let (first, rest) = words.split_first().ok_or_else(|| io::Error::other("no program"))?;
    let mut command = Command::new(first);
    command.args(rest).env_remove(ROLE_VARIABLE).env_remove(WAY_VARIABLE);
    if let Some(user) = user.filter(|user| user.wrapper().is_empty()) {
        command.gid(user.gid).uid(user.uid);
    }
    Err(command.exec())
}
