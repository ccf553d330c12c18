//! The process between a job's supervisor and the container engine.
//!
//! To the supervisor it speaks as the sandbox's init does (`READY`, a shell's end), so that steps, limits and journal do not
//! know where the shell runs. It makes and starts the container, hands orders on to the script that is its first process,
//! watches that process by the kernel's means (an engine that dies takes nothing along that still runs), and at the end
//! kills and removes the container. When the supervisor dies, the end of its socket says so.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::{JobFile, JobFileContent};
use bollard::models::{ContainerCreateBody, HostConfig, Mount, MountType, RestartPolicy, RestartPolicyNameEnum};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::ContainerPlan;
use super::engine::{Engine, EngineError, RESTART_LIMIT, RESTART_PAUSE};
use crate::folder::{Folder, make_part};
use crate::shim::{INSIDE, NETWORK_VARIABLE, Orders, Plan, first_script, is_assignable, message};

/// How long the script may take to say that it runs.
const HELLO_LIMIT: Duration = Duration::from_secs(60);
/// How long killed processes may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(10);
/// How long the owner of files may take to be set right.
const OWNER_LIMIT: Duration = Duration::from_secs(120);
/// How long an engine may take to hear of a container's end.
const HEAR_LIMIT: Duration = Duration::from_secs(10);
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// For nobody: who would hear it is gone.
const LET_GO: &str = "the job's supervisor is gone";

/// The label that every container of a job has, with the job's id.
pub(super) const JOB_LABEL: &str = "headworks.job";
/// The label that tells installations on one engine apart, with the folder of the jobs.
pub(super) const JOBS_DIR_LABEL: &str = "headworks.jobs";

/// Runs until the supervisor lets go or the container ends.
pub(crate) fn run(folder: &Folder) -> io::Result<()> {
    // Whoever removes the job waits for this to go: an engine makes folders that a container mounts and that are gone.
    let held = File::options().append(true).create(true).open(folder.attendant())?;
    // That of an earlier life of the job may still be on its way out.
    rustix::fs::fcntl_lock(&held, FlockOperation::LockExclusive)?;
    let text = fs::read(folder.taken_plan())?;
    let plan: Plan = serde_json::from_slice(&text)?;
    let Some(mut container) = plan.container.clone() else {
        return Err(io::Error::other("the plan names no container"));
    };
    if let (Ok(path), true) = (std::env::var(NETWORK_VARIABLE), container.joins_networks) {
        container.network = format!("ns:{path}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let attendant = Attendant { folder, plan, container, runtime };
    let mut engine = None;
    let result = attendant.begin(&mut engine);
    let running = match result {
        Ok(running) => running,
        Err(reason) => {
            say(message::ERROR, &reason)?;
            attendant.remove(engine.as_ref());
            return say(message::KILLED, "");
        }
    };
    say(message::READY, &running.pid.as_raw_nonzero().to_string())?;
    let watched = attendant.watch(&running);
    if let Ok(End::Died) = &watched {
        say(message::GONE, &attendant.why(engine.as_ref()))?;
    }
    let ended = attendant.end(engine.as_ref(), &running);
    if ended {
        // The supervisor writes the outcome now; what follows is only tidiness.
        say(message::KILLED, "")?;
        // An engine that does not answer must not keep the job from being removed: it makes no folders for a removal.
        drop(held);
    }
    attendant.remove(engine.as_ref());
    watched.map(drop)
}

struct Attendant<'a> {
    folder: &'a Folder,
    plan: Plan,
    container: ContainerPlan,
    runtime: tokio::runtime::Runtime,
}

/// A container whose script has said that it runs.
struct Running {
    pid: Pid,
    process: OwnedFd,
    orders: Orders,
}

enum End {
    /// The supervisor is gone or wants the end.
    LetGo,
    /// The container's first process has ended by itself.
    Died,
}

impl Attendant<'_> {
    /// Makes and starts the container. The error is the reason for the user.
    fn begin(&self, slot: &mut Option<Engine>) -> Result<Running, String> {
        let name = &self.container.name;
        let mut orders = Orders::open(&self.folder.control()).map_err(|e| format!("the job's pipes: {e}"))?;
        let files = self.files().map_err(|e| format!("the job's files: {e}"))?;
        let until = Instant::now() + RESTART_LIMIT;
        let (engine, state) = loop {
            let connected = self.runtime.block_on(Engine::connect_patiently(&self.container.socket));
            let connected = connected.map_err(|e| e.to_string())?;
            if is_let_go() {
                *slot = Some(connected);
                return Err(LET_GO.to_owned());
            }
            let started = self.runtime.block_on(async {
                // One that an engine has started before it died is removed by this; it has had no order yet.
                connected.create(name, self.body(false, files.clone())).await?;
                let _ = orders.read();
                connected.start(name).await?;
                connected.state(name).await
            });
            match started {
                Ok(state) => break (slot.insert(connected), state),
                Err(EngineError::Gone { .. }) if Instant::now() < until => {
                    std::thread::sleep(RESTART_PAUSE);
                }
                Err(error) => {
                    *slot = Some(connected);
                    return Err(error.to_string());
                }
            }
        };
        let pid = state.pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).filter(|p| is_first(*p));
        let Some(pid) = pid else {
            let words = self.runtime.block_on(engine.last_words(name));
            return Err(if state.running == Some(true) {
                "the container engine runs on another machine, or its processes cannot be seen here".to_owned()
            } else {
                format!("the container ended at once: exit status {}. {words}", state.exit_code.unwrap_or(-1))
            });
        };
        let process = pidfd_open(pid, PidfdFlags::empty()).map_err(|e| format!("watching the container: {e}"))?;
        self.hello(engine, &process, &mut orders)?;
        Ok(Running { pid, process, orders })
    }

    /// Waits for the script's first word.
    fn hello(&self, engine: &Engine, process: &OwnedFd, orders: &mut Orders) -> Result<(), String> {
        let deadline = Instant::now() + HELLO_LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("the container's shell did not begin in {} s", HELLO_LIMIT.as_secs()));
            }
            let stdin = rustix::stdio::stdin();
            let mut fds = [
                PollFd::new(&orders.said, PollFlags::IN),
                PollFd::new(process, PollFlags::IN),
                // Asked for nothing: it tells only that the supervisor is gone.
                PollFd::new(&stdin, PollFlags::empty()),
            ];
            wait(&mut fds, Some(left)).map_err(|e| e.to_string())?;
            let [said, died, let_go] = fds.map(|fd| !fd.revents().is_empty());
            if let_go {
                return Err(LET_GO.to_owned());
            }
            if said && !orders.read().map_err(|e| e.to_string())?.is_empty() {
                return Ok(());
            }
            if died {
                let words = self.runtime.block_on(engine.last_words(&self.container.name));
                return Err(format!("the image has no shell that works (/bin/sh). {words}"));
            }
        }
    }

    /// Hands orders and answers on until somebody ends.
    fn watch(&self, running: &Running) -> io::Result<End> {
        let mut orders = running.orders.try_clone()?;
        let mut buffer = [0; 512];
        loop {
            let stdin = rustix::stdio::stdin();
            let mut fds = [
                PollFd::new(&stdin, PollFlags::IN),
                PollFd::new(&orders.said, PollFlags::IN),
                PollFd::new(&running.process, PollFlags::IN),
            ];
            wait(&mut fds, None)?;
            let [told, said, died] = fds.map(|fd| !fd.revents().is_empty());
            if said {
                for status in orders.read()? {
                    say(message::ENDED, &status)?;
                }
            }
            if died {
                return Ok(End::Died);
            }
            if told {
                match recv(stdin, &mut buffer[..], RecvFlags::DONTWAIT) {
                    Ok((0, _)) | Err(Errno::CONNRESET) => return Ok(End::LetGo),
                    Ok((n, _)) => {
                        let user = String::from_utf8_lossy(buffer.get(1..n).unwrap_or_default()).into_owned();
                        orders.start_shell(&user)?;
                    }
                    Err(Errno::INTR | Errno::AGAIN) => {}
                    Err(e) => return Err(e.into()),
                }
            }
        }
    }

    /// Why the container ended, as far as the engine can tell; `!` in front: for want of memory.
    fn why(&self, engine: Option<&Engine>) -> String {
        let state = match engine {
            Some(engine) => self.runtime.block_on(async {
                // The engine hears of it a little later than we do.
                let mut state = engine.state(&self.container.name).await?;
                let until = Instant::now() + HEAR_LIMIT;
                while state.running == Some(true) && Instant::now() < until {
                    tokio::time::sleep(LOOK_PAUSE).await;
                    state = engine.state(&self.container.name).await?;
                }
                Ok::<_, EngineError>(state)
            }),
            None => return "the container ended".to_owned(),
        };
        match state {
            Ok(state) if state.oom_killed == Some(true) => "!the container was out of memory".to_owned(),
            Ok(state) => {
                format!("the container was ended from outside: exit status {}", state.exit_code.unwrap_or(-1))
            }
            Err(error) if error.is_not_found() => "the container was removed from outside".to_owned(),
            Err(error) => format!("the container ended, and {error}"),
        }
    }

    /// Kills everything in the container and sets the owner of its files right. False: it may still run.
    fn end(&self, engine: Option<&Engine>, running: &Running) -> bool {
        let gone = kill(&running.process) || {
            // Another user's process (an engine of root's, a server that is not root): only the engine can.
            let killed = engine.map(|engine| self.runtime.block_on(engine.kill(&self.container.name)));
            if let Some(Err(error)) = killed {
                eprintln!("{error}");
            }
            is_gone(&running.process, KILL_LIMIT)
        };
        if let (Some(owner), Some(engine)) = (self.container.owner, engine)
            && let Err(error) = self.runtime.block_on(self.give_files_to(engine, owner))
        {
            eprintln!("the owner of the job's files could not be set: {error}");
        }
        gone
    }

    /// With an engine whose root is not the server's user, a job leaves files that the server can neither read nor remove.
    async fn give_files_to(&self, engine: &Engine, (uid, gid): (u32, u32)) -> Result<(), EngineError> {
        let name = format!("{}-owner", self.container.name);
        let work_dir = self.plan.spec.work_dir.display().to_string();
        let mut body = self.body(true, Vec::new());
        body.entrypoint = Some(["/bin/sh", "-c", "chown -R \"$0\" \"$1\" \"$2\""].map(str::to_owned).to_vec());
        body.cmd = Some(vec![format!("{uid}:{gid}"), work_dir, INSIDE.to_owned()]);
        engine.create(&name, body).await?;
        engine.start(&name).await?;
        let until = Instant::now() + OWNER_LIMIT;
        while engine.state(&name).await?.running == Some(true) && Instant::now() < until {
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        engine.remove(&name).await
    }

    fn remove(&self, engine: Option<&Engine>) {
        let Some(engine) = engine else { return };
        if let Err(error) = self.runtime.block_on(engine.remove(&self.container.name)) {
            // Whoever destroys the job tries again.
            eprintln!("{error}");
        }
    }

    /// The files that the job sees in place of the image's, where the engine can mount them from.
    fn files(&self) -> io::Result<Vec<Mount>> {
        let dir = self.folder.files();
        make_part(&dir, 0o755)?;
        let mut files = self.plan.spec.files.clone();
        if self.container.network.starts_with("ns:") {
            // An engine gives these to networks of its own making only.
            for path in ["/etc/hosts", "/etc/resolv.conf"].map(PathBuf::from) {
                if !files.iter().any(|file| file.path == path) {
                    let content = JobFileContent::Text(fs::read_to_string(&path).unwrap_or_default());
                    files.push(JobFile { path, content });
                }
            }
        }
        let mut mounts = Vec::new();
        for (number, file) in files.iter().enumerate() {
            let own = dir.join(number.to_string());
            match &file.content {
                JobFileContent::Text(text) => fs::write(&own, text)?,
                JobFileContent::Of(path) => drop(fs::copy(path, &own)?),
            }
            fs::set_permissions(&own, Permissions::from_mode(0o644))?;
            mounts.push(bind(&own, &file.path, true));
        }
        Ok(mounts)
    }

    /// What the engine is asked for. `is_plain`: no environment, no network, only the job's files.
    fn body(&self, is_plain: bool, files: Vec<Mount>) -> ContainerCreateBody {
        let (spec, container) = (&self.plan.spec, &self.container);
        let mut mounts = vec![bind(&spec.work_dir, &spec.work_dir, false)];
        let control = PathBuf::from(INSIDE);
        mounts.push(bind(&self.folder.control(), &control, false));
        mounts.extend(files);
        if !is_plain {
            mounts.extend(spec.container.mounts.iter().map(|m| bind(&m.source, &m.target, m.read_only)));
        }
        let memory = spec.limits.memory_bytes.and_then(|bytes| i64::try_from(bytes).ok());
        let host = HostConfig {
            mounts: Some(mounts),
            network_mode: Some(if is_plain { "none".to_owned() } else { container.network.clone() }),
            privileged: Some(container.privileged && !is_plain),
            memory,
            // Swap would make the limit meaningless.
            memory_swap: memory,
            nano_cpus: spec.limits.cpus.map(|cpus| (cpus * 1e9) as i64),
            pids_limit: spec.limits.processes.and_then(|n| i64::try_from(n).ok()),
            // The network may be the machine's: no reading along.
            cap_drop: (!container.privileged).then(|| vec!["NET_RAW".to_owned()]),
            // The mounted folders are labelled for the server.
            security_opt: Some(vec!["label=disable".to_owned()]),
            restart_policy: Some(RestartPolicy { name: Some(RestartPolicyNameEnum::NO), ..RestartPolicy::default() }),
            userns_mode: container.hosts_users.then(|| "host".to_owned()),
            ..HostConfig::default()
        };
        let labels = [(JOB_LABEL, spec.id.clone()), (JOBS_DIR_LABEL, jobs_dir(self.folder))];
        let odd = spec.env.iter().filter(|(name, _)| !is_assignable(name));
        let env = odd.map(|(name, value)| format!("{name}={value}"));
        ContainerCreateBody {
            image: Some(container.image.clone()),
            user: Some("0:0".to_owned()),
            entrypoint: Some(vec!["/bin/sh".to_owned()]),
            cmd: Some(vec![control.join(first_script()).display().to_string()]),
            working_dir: Some(if is_plain { "/".to_owned() } else { spec.current_dir.display().to_string() }),
            env: (!is_plain).then(|| env.collect()),
            labels: Some(labels.map(|(name, value)| (name.to_owned(), value)).into()),
            healthcheck: Some(bollard::models::HealthConfig {
                test: Some(vec!["NONE".to_owned()]),
                ..bollard::models::HealthConfig::default()
            }),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        }
    }
}

fn bind(source: &Path, target: &Path, read_only: bool) -> Mount {
    Mount {
        typ: Some(MountType::BIND),
        source: Some(source.display().to_string()),
        target: Some(target.display().to_string()),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

/// What [`JOBS_DIR_LABEL`] holds for a job in this folder.
fn jobs_dir(folder: &Folder) -> String {
    folder.path().parent().map(|dir| dir.display().to_string()).unwrap_or_default()
}

/// Whether it is the first process of a PID namespace other than ours: any other one only happens to have the number that
/// an engine elsewhere gave.
fn is_first(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap_or_default();
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    let numbers: Vec<&str> = numbers.split_whitespace().collect();
    numbers.len() > 1 && numbers.last() == Some(&"1")
}

/// Kills a container's first process, and by that all others; true when it is gone.
pub(crate) fn kill(process: &OwnedFd) -> bool {
    match pidfd_send_signal(process, Signal::KILL) {
        Ok(()) => is_gone(process, KILL_LIMIT),
        Err(Errno::SRCH) => true,
        Err(_) => false,
    }
}

fn is_gone(process: &OwnedFd, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        let mut fds = [PollFd::new(process, PollFlags::IN)];
        let left = deadline.saturating_duration_since(Instant::now());
        if wait(&mut fds, Some(left)).is_ok() && fds.iter().all(|fd| !fd.revents().is_empty()) {
            return true;
        }
        if left.is_zero() {
            return false;
        }
    }
}

/// Whether the supervisor is gone.
fn is_let_go() -> bool {
    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
    wait(&mut fds, Some(Duration::ZERO)).is_ok() && fds.iter().any(|fd| !fd.revents().is_empty())
}

fn wait(fds: &mut [PollFd<'_>], limit: Option<Duration>) -> io::Result<()> {
    let limit = limit.map(|limit| Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    match poll(fds, limit.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// The supervisor may be gone; what it would have been told does not matter then.
fn say(kind: u8, text: &str) -> io::Result<()> {
    let packet = [&[kind], text.as_bytes()].concat();
    match send(rustix::stdio::stdin(), &packet, SendFlags::NOSIGNAL) {
        Ok(_) | Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => Ok(()),
        Err(e) => Err(e.into()),
    }
}
