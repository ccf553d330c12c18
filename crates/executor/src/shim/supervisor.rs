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
use rustix::process::{PidfdFlags, pidfd_open};
use rustix::thread::UnshareFlags;

use super::cgroup::Cgroups;
use super::gateway::{self, Gateway};
use super::keeper::{Keeper, Order};
use super::orders::Stream;
use super::session::{ContainerEnd, Happened, PIPE_LEN, Session, Stop, now};
use super::shell::{self, Control};
use super::steps::{self, Progress};
use super::way::Way;
use super::{NETWORK_VARIABLE, Plan, ROLE_ATTENDANT, ROLE_INIT, ROLE_VARIABLE, SAID_ALREADY, SAID_BEGUN, Sandbox};
use crate::container::kill as kill_container;
use crate::folder::{Folder, remove_tree, write_durably};
use crate::journal::Writer;
use crate::nested::SOCKET;
use crate::output::{Lines, Masker};

/// How long the end of a container may take: its attendant kills it and may have to give its files to another user.
const CONTAINER_LIMIT: Duration = Duration::from_secs(180);

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
    let inside = control_inside(folder, plan);
    let (mut control, output, output_end) = pipes(folder, plan, &inside)?;
    let cancel_watch = rustix::fs::inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    rustix::fs::inotify::add_watch(&cancel_watch, folder.path(), WatchFlags::CREATE | WatchFlags::MOVED_TO)?;
    let flags = SocketFlags::CLOEXEC;
    let (socket, socket_end) = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    rustix::fs::fcntl_setfl(&socket, OFlags::NONBLOCK)?;

    // The init sets up the sandbox while the beginning is made durable; no command runs before both are done.
    let beside = match output_end {
        Some(output_end) => in_network(folder, plan, |_| spawn_init(&plan.sandbox, socket_end, output_end)),
        None => in_network(folder, plan, |network| spawn_attendant(socket_end, network)),
    };
    let (init, mut gateway, mut keeper) = match beside {
        Ok((init, gateway)) => match spawn_keeper(folder, plan, gateway.as_ref()) {
            Ok(keeper) => (Ok(init), gateway, keeper),
            Err(error) => (Err(error), gateway, None),
        },
        Err(error) => (Err(error), None, None),
    };
    // Behind the namespaces: entering one may clear what was asked for.
    if let Some(process) = plan.sandbox.tied_to {
        die_with(process)?;
    }
    journal.begun(now())?;
    journal.sync()?;
    // A container's limits are the engine's business.
    let mut cgroups = match (&plan.container, &plan.nested) {
        (Some(_), None) => Cgroups::default(),
        (_, nested) => Cgroups::create(folder, &plan.spec, nested.is_some()),
    };
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
        streams: std::mem::take(&mut control.streams).into_iter().map(|pipe| Stream::new(pipe, &plan.spec)).collect(),
        control,
        cancel_watch,
        deadline,
        shell_runs: false,
        holds_failed: plan.sandbox.hold_failed,
        way: Way::of(plan, init.id(), &inside),
        inside: inside.clone(),
        user: None,
        no_engine: plan.no_engine.clone(),
        tail: None,
        output_ended: false,
    };
    let mut progress = Progress::default();
    let mut container = None;
    // Those of the engine beside a container; the container's own are its engine's.
    let keepers = keeper.as_ref().map(|_| std::mem::take(&mut cgroups));
    if let (Some(keeper), Some(cgroups)) = (&mut keeper, &keepers)
        && let Err(reason) = begin_keeper(keeper, cgroups, plan, &inside)
    {
        session.say(&format!("The container engine of this build did not start: {reason}\n"))?;
    }
    let result = go(&mut session, plan, &inside, (&mut cgroups, &mut container), &init, &mut progress);
    if let Some(keeper) = &mut keeper {
        keeper.kill();
    }
    if let Some(gateway) = &mut gateway {
        gateway.kill();
    }
    if let Some(cgroups) = keepers {
        cgroups.remove();
    }
    // The engine takes a container's groups away with it.
    let mut ran_out_of_memory = plan.container.is_some() && cgroups.oom_kills() > 0;
    let is_over = match &plan.container {
        None => {
            kill_all(&mut init, &plan.sandbox, &cgroups);
            true
        }
        Some(_) => end_container(&mut session, container.as_ref()),
    };
    session.finish()?;
    ran_out_of_memory |= plan.container.is_none() && cgroups.oom_kills() > 0;
    // What was ended from outside is nobody's command's failure: its step stays without an end.
    let is_fault =
        !ran_out_of_memory && matches!(&result, Err(Stop::InitDied | Stop::ContainerDied { out_of_memory: false, .. }));
    if let Err(stop) = &result
        && !is_fault
    {
        steps::interrupt(&mut session, &plan.spec, &mut progress, stop)?;
    }
    cgroups.remove();
    session.journal.sync()?;
    if !is_over {
        let reason = "the container could not be ended: the engine does not answer, and its processes may still run";
        return Ok(JobOutcome::Lost { steps: progress.steps, reason: reason.to_owned() });
    }
    Ok(outcome(result, progress, plan, ran_out_of_memory))
}

/// The control folder and the output's reading end; the writing end is a sandbox's init's, a container opens it by name.
fn pipes(folder: &Folder, plan: &Plan, inside: &Path) -> io::Result<(Control, OwnedFd, Option<OwnedFd>)> {
    let (control, output, end) = match &plan.container {
        Some(_) => {
            let (control, output) = Control::create_for_container(&folder.control(), &plan.spec)?;
            (control, output, None)
        }
        None => {
            let (output, end) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
            rustix::fs::fcntl_setfl(&output, OFlags::NONBLOCK)?;
            (Control::create(&folder.control(), inside, plan.spec.hold)?, output, Some(end))
        }
    };
    // Unprivileged users may be over their quota of pipe memory: then the default has to do.
    let _ = rustix::pipe::fcntl_setpipe_size(&output, PIPE_LEN);
    Ok((control, output, end))
}

/// `Ok(Some)`: no sandbox, for this reason.
fn go(
    session: &mut Session<'_>,
    plan: &Plan,
    inside: &Path,
    (cgroups, container): (&mut Cgroups, &mut Option<OwnedFd>),
    init: &Child,
    progress: &mut Progress,
) -> Result<Option<String>, Stop> {
    cgroups.add(init.id())?;
    let happened = session.wait();
    // The init has read it, or never will.
    let _ = fs::remove_file(session.folder.taken_plan());
    session.control.forget_environment();
    match happened? {
        Happened::SetupFailed(reason) => return Ok(Some(reason)),
        Happened::Ready(Some(pid)) => {
            // An attendant that is killed must not leave the container behind.
            *container = Some(pidfd_open(pid, PidfdFlags::empty())?);
            *cgroups = Cgroups::of_process(pid);
        }
        Happened::Ready(None) | Happened::CommandEnded(_) | Happened::ShellEnded(_) => {}
    }
    if let Some(way) = &session.way {
        way.write(session.folder)?;
    }
    if !plan.sandbox.isolated && plan.container.is_none() && !plan.spec.files.is_empty() {
        let paths: Vec<_> = plan.spec.files.iter().map(|file| file.path.display().to_string()).collect();
        let what = format!("jobs are not isolated here, so this one sees the machine's own {}", paths.join(", "));
        steps::announce(session, &plan.spec, &what)?;
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
        Err(Stop::ContainerDied { out_of_memory, .. }) if out_of_memory || ran_out_of_memory => {
            JobOutcome::OutOfMemory { steps }
        }
        Err(Stop::ContainerDied { reason, .. }) => JobOutcome::Lost { steps, reason },
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
pub(super) fn control_inside(folder: &Folder, plan: &Plan) -> PathBuf {
    let is_elsewhere = plan.sandbox.isolated || plan.container.is_some();
    if is_elsewhere { PathBuf::from(shell::INSIDE) } else { folder.control() }
}

/// The process that talks to the container engine. What it has to complain about goes to `shim.log`.
#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
fn spawn_attendant(socket: OwnedFd, network: Option<&str>) -> io::Result<Child> {
    let mut arguments = std::env::args_os();
    let _program = arguments.next();
    Command::new("/proc/self/exe")
        .args(arguments)
        .env_clear()
        .envs(network.map(|path| (NETWORK_VARIABLE, path)))
        .env(ROLE_VARIABLE, ROLE_ATTENDANT)
        .stdin(socket)
        .stdout(Stdio::null())
        .spawn()
}

/// Starts a process in the job's network, which is its own when it has a container engine. `spawn` gets the network's path
/// for somebody who joins it later.
fn in_network(
    folder: &Folder,
    plan: &Plan,
    spawn: impl FnOnce(Option<&str>) -> io::Result<Child>,
) -> io::Result<(Child, Option<Gateway>)> {
    let is_routed = plan.sandbox.user_namespace && !plan.spec.routes.is_empty() && plan.container.is_none();
    if plan.nested.is_none() && !is_routed {
        return spawn(None).map(|child| (child, None));
    }
    let path = "/etc/resolv.conf";
    let file = plan.spec.files.iter().find(|file| file.path == Path::new(path));
    let resolver = match file.map(|file| &file.content) {
        Some(base::JobFileContent::Text(text)) => text.clone(),
        Some(base::JobFileContent::Of(_)) | None => fs::read_to_string(path).unwrap_or_default(),
    };
    let mut order = gateway::Order::of(&plan.spec.loopback, &plan.spec.routes, &resolver);
    if is_routed {
        order.is_given = true;
        let gateway = Gateway::start_around(folder, &order, || enter_user_namespace(UnshareFlags::NEWNET))?;
        return spawn(None).map(|child| (child, Some(gateway)));
    }
    let gateway = Gateway::start(folder, &order)?;
    let child = match plan.container {
        Some(_) => spawn(Some(&gateway.path))?,
        None => gateway.inside(|| spawn(None))?,
    };
    Ok((child, Some(gateway)))
}

/// The process that keeps an engine beside a container: the first one of a PID namespace, so that nothing outlives it.
/// In the sandbox it is the init that starts one.
#[expect(deprecated, reason = "its safe form is sound here: the file descriptor table is not unshared")]
fn spawn_keeper(folder: &Folder, plan: &Plan, gateway: Option<&Gateway>) -> io::Result<Option<Keeper>> {
    let (Some(_), Some(gateway)) = (&plan.container, gateway) else { return Ok(None) };
    rustix::thread::unshare(UnshareFlags::NEWPID)?;
    gateway.inside(|| Keeper::spawn(folder)).map(Some)
}

fn begin_keeper(keeper: &mut Keeper, cgroups: &Cgroups, plan: &Plan, inside: &Path) -> Result<(), String> {
    let Some(nested) = plan.nested.clone() else { return Ok(()) };
    cgroups.add(keeper.id()).map_err(|e| e.to_string())?;
    let mut view = plan.clone();
    view.spec.env.clear();
    view.spec.masked.clear();
    keeper.begin(&Order { nested, socket: inside.join(SOCKET), view: Some(view) })
}

/// Ends a container; false when it may still run. The attendant goes on to remove it and is not waited for: whoever
/// destroys the job does the same.
fn end_container(session: &mut Session<'_>, container: Option<&OwnedFd>) -> bool {
    match session.end_container(CONTAINER_LIMIT) {
        ContainerEnd::Gone => true,
        // Before it said that the container runs there was none, or one that the job's removal finds. Whether the attendant
        // can be waited for tells nothing here: its end of the socket closes before that.
        ContainerEnd::Unattended => container.is_none_or(kill_container),
        ContainerEnd::Late => container.is_some_and(kill_container),
    }
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
    // As root, or in a namespace where this process is root already.
    if !sandbox.user_namespace || rustix::process::geteuid().is_root() {
        return Ok(rustix::thread::unshare(UnshareFlags::NEWPID)?);
    }
    enter_user_namespace(UnshareFlags::NEWPID)
}

/// This process is root from here on, but only of namespaces that it makes: of users, and of what else is asked for.
#[expect(deprecated, reason = "its safe form is sound here: the file descriptor table is not unshared")]
fn enter_user_namespace(more: UnshareFlags) -> io::Result<()> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    rustix::thread::unshare(UnshareFlags::NEWUSER | more)?;
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
