//! The process that keeps a job's own container engine.
//!
//! A sandbox's init starts it inside the job's view, before it gives up its privileges: containers then see the job's files
//! under the job's paths. For a job in a container the supervisor starts it in a view of the machine of its own, with the
//! working copy under the same path. Either way it is in a PID namespace that ends with the job, and so does whatever the
//! engine has started.
//!
//! The engine has more rights than the job: it mounts. Its containers get what Docker gives, and `--privileged` ones get what
//! the engine has, which is why it is the operator who allows it. Some rights that no engine needs are gone for good.
//! Its network is the job's own, see `gateway`.

use std::fs::{self, File};
use std::io::{self, BufRead as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{Resource, Signal, WaitOptions};
use rustix::thread::{CapabilitySet, UnshareFlags};
use serde::{Deserialize, Serialize};

use super::{Plan, ROLE_KEEPER, ROLE_VARIABLE, sandbox};
use crate::folder::Folder;
use crate::nested::{Nested, OTHERS, STORAGE};

/// How long the engine may take to answer.
const START_LIMIT: Duration = Duration::from_secs(30);
const LOOK_PAUSE: Duration = Duration::from_millis(20);
/// The engine's configuration and what it keeps of running containers; in memory.
const OWN: &str = "/run/headworks-engine";
const READY: &str = "ready";

/// What no engine needs: devices' and the kernel's own affairs. The network is the job's own.
const DROPPED: CapabilitySet = CapabilitySet::SYS_MODULE
    .union(CapabilitySet::SYS_RAWIO)
    .union(CapabilitySet::SYS_BOOT)
    .union(CapabilitySet::SYS_TIME)
    .union(CapabilitySet::SYS_PACCT)
    .union(CapabilitySet::SYS_TTY_CONFIG)
    .union(CapabilitySet::SYSLOG)
    .union(CapabilitySet::WAKE_ALARM)
    .union(CapabilitySet::BLOCK_SUSPEND)
    .union(CapabilitySet::MAC_ADMIN)
    .union(CapabilitySet::MAC_OVERRIDE)
    .union(CapabilitySet::AUDIT_CONTROL)
    .union(CapabilitySet::BPF)
    .union(CapabilitySet::PERFMON)
    .union(CapabilitySet::CHECKPOINT_RESTORE);

/// What the keeper is told, on its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub nested: Nested,
    /// Where the engine is to listen, in its view.
    pub socket: PathBuf,
    /// The view to make first; `None`: it is in the job's already.
    pub view: Option<Plan>,
}

/// A keeper, seen from whoever started it.
pub(super) struct Keeper {
    child: Child,
    order: ChildStdin,
    answer: ChildStdout,
}

impl Keeper {
    /// Starts the process, which then waits for its order: it is to be in the job's control groups first.
    #[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
    pub fn spawn(folder: &Folder) -> io::Result<Keeper> {
        let mut child = Command::new("/proc/self/exe")
            .args(std::env::args_os().skip(1).take_while(|argument| argument != folder.path().as_os_str()))
            .arg(folder.path())
            .env_clear()
            .env(ROLE_VARIABLE, ROLE_KEEPER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (order, answer) = (child.stdin.take(), child.stdout.take());
        let (Some(order), Some(answer)) = (order, answer) else {
            return Err(io::Error::other("the keeper's pipes are missing"));
        };
        Ok(Keeper { child, order, answer })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it begin, and waits until the engine answers. The error is the reason for the user.
    pub fn begin(&mut self, order: &Order) -> Result<(), String> {
        let mut line = serde_json::to_vec(order).map_err(|e| e.to_string())?;
        line.push(b'\n');
        self.order.write_all(&line).map_err(|e| format!("its keeper does not listen: {e}"))?;
        let limit = Instant::now() + START_LIMIT + Duration::from_secs(5);
        let mut said = Vec::new();
        while !said.ends_with(b"\n") {
            let left = limit.saturating_duration_since(Instant::now());
            let time = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(0), tv_nsec: 0 };
            let mut fds = [PollFd::new(&self.answer, PollFlags::IN)];
            if left.is_zero() || matches!(poll(&mut fds, Some(&time)), Ok(0)) {
                return Err("its keeper does not answer".to_owned());
            }
            let mut buffer = [0; 4096];
            match rustix::io::read(&self.answer, &mut buffer[..]) {
                Ok(0) => return Err("its keeper ended".to_owned()),
                Ok(n) => said.extend_from_slice(buffer.get(..n).unwrap_or_default()),
                Err(rustix::io::Errno::INTR) => {}
                Err(e) => return Err(e.to_string()),
            }
        }
        match String::from_utf8_lossy(&said).trim() {
            READY => Ok(()),
            reason => Err(reason.to_owned()),
        }
    }

    /// Kills it; it is the first process of its namespace, so nothing is left.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The keeper's own body.
pub(super) fn run(folder: &Folder) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(());
    }
    let order: Order = serde_json::from_str(&line)?;
    let engine = start(folder, &order);
    let answer = match &engine {
        Ok(_) => READY.to_owned(),
        Err(reason) => reason.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    println!("{answer}");
    let Ok(engine) = engine else { return Ok(()) };
    // As the first process of a namespace it inherits whatever loses its parent.
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, _))) if u32::try_from(pid.as_raw_nonzero().get()) == Ok(engine.id()) => return Ok(()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return Ok(()),
        }
    }
}

fn start(folder: &Folder, order: &Order) -> Result<Child, String> {
    let doing = |what: &'static str| move |e: rustix::io::Errno| format!("{what}: {e}");
    match &order.view {
        Some(plan) => {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
            sandbox::enter(folder, plan).map_err(|e| e.to_string())?;
        }
        None => {
            sandbox::unshare(UnshareFlags::NEWNS).map_err(doing("a mount namespace"))?;
            let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
            mount_change("/", private).map_err(doing("making the mounts private"))?;
        }
    }
    sandbox::unshare(UnshareFlags::NEWCGROUP).map_err(doing("a namespace of control groups"))?;
    // That of the view is read-only where an engine sets its bridges up.
    let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "/proc", "proc", quiet, None).map_err(doing("mounting /proc"))?;
    control_groups().map_err(|e| format!("control groups: {e}"))?;
    sandbox::drop_from_bounding_set(|one| !DROPPED.contains(one));
    let log = configure(order).map_err(|e| format!("its configuration: {e}"))?;
    // A storage that was kept is that of an engine which was killed: its containers and volumes are nobody's any more.
    if Path::new(STORAGE).join("storage/libpod").exists() {
        for left in [&["rm", "--all", "--force"][..], &["volume", "prune", "--force"]] {
            let cleaned = podman(order, &log).and_then(|mut command| command.args(left).status());
            cleaned.map_err(|e| format!("{}: {e}", order.nested.podman.display()))?;
        }
    }
    let mut engine = spawn(order, &log).map_err(|e| format!("{}: {e}", order.nested.podman.display()))?;
    let limit = Instant::now() + START_LIMIT;
    loop {
        if UnixStream::connect(&order.socket).is_ok() {
            return Ok(engine);
        }
        let ended = engine.try_wait().map_err(|e| e.to_string())?;
        if ended.is_some() || Instant::now() > limit {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let last: Vec<&str> = said.lines().rev().take(5).collect();
            let last = last.into_iter().rev().collect::<Vec<_>>().join("; ");
            let why = if ended.is_some() { "it ended" } else { "it does not listen" };
            let _ = engine.kill();
            return Err(format!("{why}. {last}"));
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

fn spawn(order: &Order, log: &Path) -> io::Result<Child> {
    let mut command = podman(order, log)?;
    let socket = format!("unix://{}", order.socket.display());
    command.args(["system", "service", "--time=0"]).arg(socket).spawn()
}

#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
fn podman(order: &Order, log: &Path) -> io::Result<Command> {
    let log = File::options().append(true).create(true).open(log)?;
    let mut command = Command::new(&order.nested.podman);
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8")
        .env("CONTAINERS_CONF", format!("{OWN}/containers.conf"))
        .env("CONTAINERS_STORAGE_CONF", format!("{OWN}/storage.conf"))
        // Some of its children leave files where they stand.
        .current_dir(OWN)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command)
}

/// Writes the engine's settings; gives the file for what it has to say.
fn configure(order: &Order) -> io::Result<PathBuf> {
    fs::create_dir_all(OWN)?;
    let quiet = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", OWN, "tmpfs", quiet, Some(c"mode=700"))?;
    fs::create_dir_all(format!("{STORAGE}/storage"))?;
    // An overlay cannot be the writable layer of another one.
    let is_overlay = rustix::fs::statfs(STORAGE).is_ok_and(|found| found.f_type == sandbox::OVERLAY_MAGIC);
    let driver = if is_overlay { "vfs" } else { "overlay" };
    let most = |resource| rustix::process::getrlimit(resource).maximum.map_or(1_048_576, |most| most.min(1_048_576));
    let (files, processes) = (most(Resource::Nofile), most(Resource::Nproc));
    let runtime = order.nested.runtime.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let containers = format!(
        "[containers]\ncgroupns = \"private\"\nlog_driver = \"k8s-file\"\n\
         default_ulimits = [\"nofile={files}:{files}\", \"nproc={processes}:{processes}\"]\n\
         default_capabilities = [\"CHOWN\", \"DAC_OVERRIDE\", \"FOWNER\", \"FSETID\", \"KILL\", \"NET_BIND_SERVICE\", \
         \"SETFCAP\", \"SETGID\", \"SETPCAP\", \"SETUID\", \"SYS_CHROOT\"]\n\
         [engine]\nruntime = \"{runtime}\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n\
         tmp_dir = \"{OWN}/tmp\"\n\
         [engine.runtimes]\n{runtime} = [\"{}\"]\n",
        order.nested.runtime.display()
    );
    fs::write(format!("{OWN}/containers.conf"), containers)?;
    let others = Path::new(OTHERS).join("storage");
    let others = match others.join(format!("{driver}-images")).exists() {
        true => format!("[storage.options]\nadditionalimagestores = [\"{}\"]\n", others.display()),
        false => String::new(),
    };
    let storage = format!(
        "[storage]\ndriver = \"{driver}\"\ngraphroot = \"{STORAGE}/storage\"\nrunroot = \"{OWN}/storage\"\n{others}"
    );
    fs::write(format!("{OWN}/storage.conf"), storage)?;
    Ok(Path::new(OWN).join("log"))
}

/// Mounts the control groups afresh: in its own namespace the engine sees those of the job, and what is below.
fn control_groups() -> io::Result<()> {
    let root = Path::new("/sys/fs/cgroup");
    let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    let text = fs::read_to_string("/proc/self/cgroup")?;
    let versions_1: Vec<&str> =
        text.lines().filter_map(|line| line.split(':').nth(1)).filter(|names| !names.is_empty()).collect();
    if versions_1.is_empty() {
        mount("cgroup2", root, "cgroup2", quiet, None)?;
        return hand_on(root);
    }
    mount("tmpfs", root, "tmpfs", quiet, Some(c"mode=755"))?;
    for names in versions_1 {
        let dir = root.join(names.trim_start_matches("name="));
        fs::create_dir(&dir)?;
        let options = if names.starts_with("name=") { format!("none,{names}") } else { names.to_owned() };
        let options = std::ffi::CString::new(options)?;
        mount("cgroup", &dir, "cgroup", quiet, Some(options.as_c_str()))?;
    }
    Ok(())
}

/// In version 2 a group with processes cannot hand controllers on: they move one down.
fn hand_on(root: &Path) -> io::Result<()> {
    let inner = root.join("job");
    fs::create_dir_all(&inner)?;
    for _ in 0..100 {
        let members = fs::read_to_string(root.join("cgroup.procs"))?;
        if members.trim().is_empty() {
            break;
        }
        for pid in members.lines() {
            // It may have ended.
            let _ = fs::write(inner.join("cgroup.procs"), pid);
        }
    }
    let controllers = fs::read_to_string(root.join("cgroup.controllers"))?;
    for controller in controllers.split_whitespace() {
        fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"))?;
    }
    Ok(())
}
