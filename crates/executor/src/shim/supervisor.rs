//! The supervisor: begins a job once, watches it, and writes down how it ended.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base::{JobOutcome, JobTimeout};
use rustix::fs::inotify::{CreateFlags, WatchFlags};
use rustix::fs::{FlockOperation, OFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::PipeFlags;
use rustix::thread::UnshareFlags;

use super::cgroup::Cgroups;
use super::session::{Happened, PIPE_LEN, Session, Stop, now};
use super::shell::{self, Control};
use super::steps::{self, Progress};
use super::visit::Held;
use super::{Plan, ROLE_INIT, ROLE_VARIABLE, SAID_ALREADY, SAID_BEGUN, Sandbox};
use crate::folder::{Folder, remove_tree, write_durably};
use crate::journal::Writer;
use crate::output::{Lines, Masker};

/// Runs the job in the folder, unless it runs or has run already.
pub(super) fn run(folder: &Folder) -> io::Result<()> {
    // Fails for a session leader only, which is as good.
    let _ = rustix::process::setsid();
    let file = File::options().read(true).append(true).create(true).mode(0o600).open(folder.journal())?;
    // A POSIX lock: it goes with the process, is let go before the close that followers hear of, and can be asked for
    // without being taken. The journal must therefore never be opened and closed a second time in this process.
    if rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
        || file.metadata()?.len() > 0
        || folder.outcome().try_exists()?
    {
        return answer(SAID_ALREADY);
    }
    // Another server may write the plan again or remove it; this one is ours.
    fs::rename(folder.plan(), folder.taken_plan())?;
    let plan: Plan = serde_json::from_slice(&fs::read(folder.taken_plan())?)?;
    let mut journal = Writer::new(file);
    let outcome = supervise(folder, &plan, &mut journal)?;
    write_durably(&folder.outcome(), &serde_json::to_vec(&outcome)?)?;
    // Only now the lock may go: no lock and no outcome would mean that the job is lost.
    drop(journal);
    // Space is given back now, whether the server lives or not; it may be removing the same folder already.
    for used in folder.sandbox_dirs() {
        let _ = remove_tree(&used);
    }
    Ok(())
}

/// Has the kernel kill this process when its parent ends; everything below goes with it.
fn die_with(parent: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // It may have ended before we asked.
    let is_ours = rustix::process::getppid().is_some_and(|pid| u32::try_from(pid.as_raw_nonzero().get()) == Ok(parent));
    if is_ours { Ok(()) } else { Err(io::Error::other("the process that the job is tied to has ended")) }
}

fn supervise(folder: &Folder, plan: &Plan, journal: &mut Writer) -> io::Result<JobOutcome> {
    let deadline = Instant::now() + Duration::from_secs(plan.spec.timeout_seconds);
    let inside = control_inside(folder, &plan.sandbox);
    let control = Control::create(&folder.control(), &inside)?;
    let cancel_watch = rustix::fs::inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    rustix::fs::inotify::add_watch(&cancel_watch, folder.path(), WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
    let (output, output_end) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    rustix::fs::fcntl_setfl(&output, OFlags::NONBLOCK)?;
    // Unprivileged users may be over their quota of pipe memory: then the default has to do.
    let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE_LEN);
    let flags = SocketFlags::CLOEXEC;
    let (socket, socket_end) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    rustix::fs::fcntl_setfl(&socket, OFlags::NONBLOCK)?;

    // The init sets up the sandbox while the beginning is made durable; no command runs before both are done.
    let init = spawn_init(&plan.sandbox, socket_end, output_end);
    // Behind the namespaces: entering one may clear what was asked for.
    if let Some(process) = plan.sandbox.tied_to {
        die_with(process)?;
    }
    journal.begun(now())?;
    journal.sync()?;
    let cgroups = Cgroups::create(folder, &plan.spec);
    answer(SAID_BEGUN)?;

    let mut init = match init {
        Ok(init) => init,
        Err(error) => {
            let _ = fs::remove_file(folder.taken_plan());
            return Ok(JobOutcome::NotStarted { reason: format!("the sandbox could not be started: {error}") });
        }
    };
    let mut session = Session {
        folder,
        journal,
        masker: Masker::new(plan.spec.masked.iter().map(|s| s.expose().as_str())),
        lines: Lines::default(),
        output,
        socket,
        control,
        cancel_watch,
        deadline,
        shell_runs: false,
        hold: plan.sandbox.hold_failed.then(|| Held {
            init: init.id(),
            isolated: plan.sandbox.isolated,
            user_namespace: plan.sandbox.user_namespace,
            shell: if plan.spec.shell.is_empty() { "sh".to_owned() } else { plan.spec.shell.clone() },
            control: inside.clone(),
        }),
        inside: inside.clone(),
        user: None,
        tail: None,
    };
    let mut progress = Progress::default();
    let result = go(&mut session, plan, &inside, &cgroups, &init, &mut progress);
    kill_all(&mut init, &plan.sandbox, &cgroups);
    session.finish()?;
    if let Err(stop) = &result {
        steps::interrupt(&mut session, &plan.spec, &mut progress, stop)?;
    }
    let ran_out_of_memory = cgroups.oom_kills() > 0;
    cgroups.remove();
    session.journal.sync()?;
    Ok(outcome(result, progress, plan, ran_out_of_memory))
}

/// `Ok(Some)`: no sandbox, for this reason.
fn go(
    session: &mut Session<'_>,
    plan: &Plan,
    inside: &Path,
    cgroups: &Cgroups,
    init: &Child,
    progress: &mut Progress,
) -> Result<Option<String>, Stop> {
    cgroups.add(init.id())?;
    let happened = session.wait();
    // The init has read it, or never will.
    let _ = fs::remove_file(session.folder.taken_plan());
    match happened? {
        Happened::SetupFailed(reason) => return Ok(Some(reason)),
        Happened::Ready | Happened::CommandEnded(_) | Happened::ShellEnded(_) => {}
    }
    steps::run(session, &plan.spec, inside, progress).map(|()| None)
}

fn outcome(
    result: Result<Option<String>, Stop>,
    progress: Progress,
    plan: &Plan,
    ran_out_of_memory: bool,
) -> JobOutcome {
    let Progress { steps, exported, .. } = progress;
    let failed = steps.iter().any(|s| matches!(&s.finished, Some((_, base::StepOutcome::Failed { .. }))));
    match result {
        Ok(Some(reason)) => JobOutcome::NotStarted { reason },
        Err(Stop::TimedOut) => JobOutcome::TimedOut(JobTimeout { steps, after_seconds: plan.spec.timeout_seconds }),
        Err(Stop::Cancelled) => JobOutcome::Cancelled { steps },
        Ok(None) | Err(Stop::InitDied) if ran_out_of_memory && failed => JobOutcome::OutOfMemory { steps },
        Err(Stop::InitDied) => {
            JobOutcome::Lost { steps, reason: "the first process of the sandbox was killed from outside".into() }
        }
        Err(Stop::Broken(error)) => {
            JobOutcome::Lost { steps, reason: format!("the job's supervisor had to give up: {error}") }
        }
        Ok(None) => JobOutcome::Finished { steps, exported },
    }
}

/// Where the job finds the control folder.
pub(super) fn control_inside(folder: &Folder, sandbox: &Sandbox) -> PathBuf {
    if sandbox.isolated { PathBuf::from(shell::INSIDE) } else { folder.control() }
}

#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
fn spawn_init(sandbox: &Sandbox, socket: OwnedFd, output: OwnedFd) -> io::Result<Child> {
    if sandbox.isolated {
        enter_namespaces(sandbox)?;
    }
    let mut arguments = std::env::args_os();
    let _program = arguments.next();
    Command::new("/proc/self/exe")
        .args(arguments)
        .env_clear()
        .env(ROLE_VARIABLE, ROLE_INIT)
        .stdin(socket)
        .stdout(Stdio::from(output.try_clone()?))
        .stderr(output)
        .spawn()
}

/// After this the next child is pid 1 of a new PID namespace. This process itself stays in the host's view.
#[expect(deprecated, reason = "its safe form is sound here: the file descriptor table is not unshared")]
fn enter_namespaces(sandbox: &Sandbox) -> io::Result<()> {
    if !sandbox.user_namespace {
        return Ok(rustix::thread::unshare(UnshareFlags::NEWPID)?);
    }
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWPID)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {gid} 1"))
}

/// Kills every descendant. With a PID namespace the kernel does it when the init goes.
fn kill_all(init: &mut Child, sandbox: &Sandbox, cgroups: &Cgroups) {
    if !sandbox.isolated {
        cgroups.kill();
        super::init::kill_descendants(init.id());
    }
    let _ = init.kill();
    let _ = init.wait();
}

/// Tells the server, which may be gone, and closes the pipe to it.
fn answer(what: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "{what}").and_then(|()| stdout.flush());
    let null = File::options().write(true).open("/dev/null")?;
    Ok(rustix::stdio::dup2_stdout(&null)?)
}
