//! Starts shims and looks after their folders.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base::{CommandOrder, JobSpec};
use futures_util::{StreamExt as _, stream};
use rustix::process::{PidfdFlags, Signal};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::ShimProgram;
use super::follow::Follower;
use super::watch::Watcher;
use crate::container::{Note, remove_left, remove_noted};
use crate::folder::{self, Folder};
use crate::shim::{Plan, SAID_ALREADY, SAID_BEGUN};
use crate::{ExecutorError, JobEntry, JobState, Position, Reports, Started};

/// How long a shim may take to say that it has begun, on a machine in distress.
const BEGIN_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at a job that another server is starting at this moment.
const RACE_PAUSE: Duration = Duration::from_millis(2);
/// How long a killed job may take to be gone.
const END_LIMIT: Duration = Duration::from_secs(30);
/// How often that is looked at.
const END_LOOK: Duration = Duration::from_millis(20);
/// Looks for left containers after the removal of a job that had one.
const LOOKS: u32 = 6;
/// What is told of a shim that ended without a word: it was killed.
pub(crate) const SAID_NOTHING: &str = "said nothing";
/// Where [`Shimmed::destroy`] puts a folder before it removes it, so that a half-removed job is no job.
pub(crate) const DOOMED: &str = ".doomed-";

/// The jobs in one folder.
pub(crate) struct Shimmed {
    jobs_dir: PathBuf,
    shim: ShimProgram,
    watcher: Mutex<Option<Arc<Watcher>>>,
    had_containers: AtomicU32,
}

impl Shimmed {
    pub fn new(jobs_dir: PathBuf, shim: ShimProgram) -> Self {
        Shimmed { jobs_dir, shim, watcher: Mutex::default(), had_containers: AtomicU32::new(0) }
    }

    pub fn jobs_dir(&self) -> &Path {
        &self.jobs_dir
    }

    fn folder(&self, id: &str) -> Folder {
        Folder::of(&self.jobs_dir, id)
    }

    /// Whether the job was started before, so that starting it again would do nothing.
    pub fn was_started(&self, id: &str) -> Result<bool, ExecutorError> {
        let state = self.folder(id).state().map_err(ExecutorError::io(format!("looking at job {id}")))?;
        Ok(state.is_some_and(|state| state != JobState::Waiting))
    }

    /// See [`crate::Executor::start`].
    pub async fn start(&self, plan: &Plan) -> Result<Started, ExecutorError> {
        let spec = &plan.spec;
        let folder = self.folder(&spec.id);
        let doing = || format!("writing down job {}", spec.id);
        match folder.state().map_err(ExecutorError::io(doing()))? {
            Some(JobState::Running | JobState::Ended | JobState::Lost) => return Ok(Started::Already),
            Some(JobState::Waiting) | None => {}
        }
        write_down(&folder, plan).map_err(ExecutorError::io(doing()))?;
        let mut said = self.spawn_shim(&spec.id, &folder).await?;
        while said == SAID_ALREADY {
            // Another server's shim was faster, but it may still die before it begins.
            if folder.has_begun() {
                // Written after the other shim had taken its own; it holds secrets.
                let _ = fs::remove_file(folder.plan());
                return Ok(Started::Already);
            }
            tokio::time::sleep(RACE_PAUSE).await;
            said = self.spawn_shim(&spec.id, &folder).await?;
        }
        match said.as_str() {
            SAID_BEGUN => Ok(Started::Now),
            "" => {
                let log = fs::read_to_string(folder.shim_log()).unwrap_or_default();
                let reason = format!("{} {SAID_NOTHING}. {log}", self.shim.program.display());
                Err(ExecutorError::Shim { id: spec.id.clone(), reason })
            }
            other => Err(ExecutorError::Shim { id: spec.id.clone(), reason: other.to_owned() }),
        }
    }

    /// Starts the process and waits for its first line.
    #[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
    async fn spawn_shim(&self, id: &str, folder: &Folder) -> Result<String, ExecutorError> {
        let shim = &self.shim;
        let doing = || format!("starting {} for job {id}", shim.program.display());
        let log = File::options().append(true).create(true).open(folder.shim_log());
        let log = log.map_err(ExecutorError::io(doing()))?;
        let mut child = tokio::process::Command::new(&shim.program)
            .args(&shim.arguments)
            .arg(folder.path())
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(ExecutorError::io(doing()))?;
        let stdout = child.stdout.take();
        // Reaps it; the shim lives on when this runtime ends before it does.
        drop(tokio::spawn(async move { child.wait().await }));
        let mut line = String::new();
        if let Some(stdout) = stdout {
            let mut stdout = BufReader::new(stdout);
            match tokio::time::timeout(BEGIN_LIMIT, stdout.read_line(&mut line)).await {
                Ok(read) => drop(read.map_err(ExecutorError::io(doing()))?),
                Err(_) => {
                    let reason = format!("no answer in {} s", BEGIN_LIMIT.as_secs());
                    return Err(ExecutorError::Shim { id: id.to_owned(), reason });
                }
            }
        }
        Ok(line.trim().to_owned())
    }

    /// See [`crate::Executor::follow`].
    pub fn follow(&self, id: &str, from: Position) -> Reports {
        let follower = match self.follower(id, from) {
            Ok(follower) => follower,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        stream::try_unfold(follower, |mut follower| async move {
            Ok(follower.next().await?.map(|report| (report, follower)))
        })
        .boxed()
    }

    fn watcher(&self) -> io::Result<Arc<Watcher>> {
        let mut shared = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        match &*shared {
            // Its task ends with its runtime.
            Some(watcher) if watcher.is_alive() => Ok(watcher.clone()),
            _ => {
                let watcher = Watcher::start()?;
                *shared = Some(watcher.clone());
                Ok(watcher)
            }
        }
    }

    fn follower(&self, id: &str, from: Position) -> Result<Follower, ExecutorError> {
        let folder = self.folder(id);
        let doing = || format!("watching job {id}");
        if folder.state().map_err(ExecutorError::io(doing()))?.is_none() {
            return Err(ExecutorError::UnknownJob(id.to_owned()));
        }
        let subscription =
            self.watcher().and_then(|w| w.subscribe(folder.path())).map_err(ExecutorError::io(doing()))?;
        Ok(Follower {
            id: id.to_owned(),
            folder,
            position: from,
            subscription,
            journal: None,
            ready: VecDeque::new(),
            is_done: false,
        })
    }

    /// See [`crate::Executor::order`].
    pub async fn order(&self, id: &str, order: &CommandOrder) -> Result<(), ExecutorError> {
        let folder = self.folder(id);
        let doing = || format!("ordering a command of job {id}");
        match folder.state().map_err(ExecutorError::io(doing()))? {
            None => Err(ExecutorError::UnknownJob(id.to_owned())),
            Some(JobState::Ended | JobState::Lost) => Ok(()),
            Some(JobState::Waiting | JobState::Running) => {
                let text = serde_json::to_vec(order).map_err(io::Error::other).map_err(ExecutorError::io(doing()))?;
                folder::write_durably(&folder.order(order), &text).map_err(ExecutorError::io(doing()))
            }
        }
    }

    /// See [`crate::Executor::cancel`].
    pub async fn cancel(&self, id: &str) -> Result<(), ExecutorError> {
        let folder = self.folder(id);
        let doing = || format!("cancelling job {id}");
        match folder.state().map_err(ExecutorError::io(doing()))? {
            None => Err(ExecutorError::UnknownJob(id.to_owned())),
            Some(JobState::Ended | JobState::Lost) => Ok(()),
            Some(JobState::Waiting | JobState::Running) => {
                folder::write_durably(&folder.cancel(), b"").map_err(ExecutorError::io(doing()))
            }
        }
    }

    /// See [`crate::Executor::destroy`].
    pub async fn destroy(&self, id: &str) -> Result<(), ExecutorError> {
        let doing = || format!("removing job {id}");
        let folder = self.folder(id);
        if folder.state().map_err(ExecutorError::io(doing()))? == Some(JobState::Running) {
            self.cancel(id).await?;
            let mut follower = self.follower(id, Position(u64::MAX >> 2))?;
            let ended = async {
                while follower.next().await?.is_some() {}
                Ok(())
            };
            match tokio::time::timeout(END_LIMIT, ended).await {
                Ok(Ok(()) | Err(ExecutorError::UnknownJob(_))) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    let source = io::Error::from(io::ErrorKind::TimedOut);
                    return Err(ExecutorError::Io { doing: doing(), source });
                }
            }
        }
        let attended = folder.clone();
        blocking(move || wait_for_attendant(&attended)).await.map_err(ExecutorError::io(doing()))?;
        if remove_noted(&folder, &self.jobs_dir).await.map_err(ExecutorError::io(doing()))? {
            self.had_containers.store(LOOKS, Ordering::Relaxed);
        }
        let doomed = Folder::at(self.jobs_dir.join(format!("{DOOMED}{}", folder::encode(id))));
        let remove = move || {
            crate::shim::remove_left_cgroups(&folder);
            // What an earlier removal has not finished.
            clear(&doomed)?;
            match fs::rename(folder.path(), doomed.path()) {
                Ok(()) => clear(&doomed),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(e) => Err(e),
            }
        };
        blocking(remove).await.map_err(ExecutorError::io(doing()))
    }

    /// See [`crate::Executor::remains`].
    pub fn remains(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.jobs_dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = name.strip_prefix(DOOMED).unwrap_or(&name);
            if !name.starts_with('.') && entry.file_type()?.is_dir() {
                ids.extend(folder::decode(name));
            }
        }
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// See [`crate::Executor::tidy`].
    pub async fn tidy(&self) {
        remove_left(&self.jobs_dir).await;
    }

    /// Whether to look for containers of jobs that are no more: one may have been made by a request that the engine had
    /// not dealt with when the job was removed. That is soon known, so after some looks there is nothing to look for.
    pub fn may_have_containers(&self) -> bool {
        self.had_containers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |looks| looks.checked_sub(1)).is_ok()
    }

    /// See [`crate::Executor::list`].
    pub fn list(&self) -> io::Result<Vec<JobEntry>> {
        let mut jobs = Vec::new();
        let entries = match fs::read_dir(&self.jobs_dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(jobs),
            Err(e) => return Err(e),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || !is_job(&entry.path()) {
                continue;
            }
            if let (Some(id), Some(state)) = (folder::decode(&name), Folder::at(entry.path()).state()?) {
                jobs.push(JobEntry { id, state });
            }
        }
        jobs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(jobs)
    }
}

/// Whether a spec can be run under a shim at all.
pub(crate) fn check(spec: &JobSpec) -> Result<(), ExecutorError> {
    let unfit = |reason: String| Err(ExecutorError::Unfit { id: spec.id.clone(), reason });
    if spec.id.is_empty() || spec.id.len() > 80 {
        return unfit("its id must have 1 to 80 bytes".into());
    }
    let mut own = spec.container.mounts.iter().map(|mount| &mount.target).chain([&spec.work_dir]);
    if !spec.work_dir.is_absolute() || !own.any(|folder| spec.current_dir.starts_with(folder)) {
        return unfit("its folders must be absolute, and the current one in its work folder or what is mounted".into());
    }
    if !matches!(spec.shell.as_str(), "sh" | "bash" | "") && !spec.shell.starts_with('/') {
        return unfit(format!("the shell {:?} is not sh, bash or an absolute path", spec.shell));
    }
    if let Some(mount) = spec.container.mounts.iter().find(|m| !m.source.is_absolute() || !m.target.is_absolute()) {
        return unfit(format!(
            "{} cannot be mounted to {}: paths must be absolute",
            mount.source.display(),
            mount.target.display()
        ));
    }
    if let Some(name) = spec.env.keys().find(|n| n.is_empty() || n.contains(['=', '\0'])) {
        return unfit(format!("{name:?} is no name for a variable"));
    }
    if let Some((name, _)) = spec.env.iter().find(|(_, v)| v.contains('\0')) {
        return unfit(format!("the value of the variable {name} contains a zero byte"));
    }
    Ok(())
}

fn write_down(folder: &Folder, plan: &Plan) -> io::Result<()> {
    folder::make_private_dir(folder.path())?;
    if let Some(container) = &plan.container {
        // Before the plan: whatever begins is found by whoever removes the job.
        Note { socket: container.socket.clone(), name: container.name.clone() }.write(folder)?;
    }
    folder::write_durably(&folder.plan(), &serde_json::to_vec(plan)?)?;
    match folder.path().parent() {
        Some(jobs) => folder::sync_dir(jobs),
        None => Ok(()),
    }
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| Err(io::Error::other(e)))
}

/// Waits until nobody makes or removes the job's container any more. The attendant of a job whose supervisor is gone ends
/// by itself; before that an engine may still make folders for it.
fn wait_for_attendant(folder: &Folder) -> io::Result<()> {
    wait_for_holder(&folder.attendant(), |_| {})
}

/// Removes a folder that is doomed: no shim begins there. One that had not when the job was looked at, and has since, is
/// killed.
fn clear(doomed: &Folder) -> io::Result<()> {
    wait_for_holder(&doomed.journal(), |shim| {
        let _ = rustix::process::pidfd_send_signal(shim, Signal::KILL);
    })?;
    wait_for_attendant(doomed)?;
    crate::shim::remove_left_cgroups(doomed);
    folder::remove_tree(doomed.path())
}

/// Waits until nobody holds the lock of a file, and tells `meanwhile` who does.
fn wait_for_holder(path: &Path, meanwhile: impl Fn(OwnedFd)) -> io::Result<()> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    let until = Instant::now() + END_LIMIT;
    while let Some(lock) = folder::lock_of(&file)? {
        // The number may be somebody else's by now; not while the process behind it holds the lock.
        if let Some(holder) = lock.pid
            && let Ok(process) = rustix::process::pidfd_open(holder, PidfdFlags::empty())
            && folder::lock_of(&file)?.is_some_and(|lock| lock.pid == Some(holder))
        {
            meanwhile(process);
        }
        if Instant::now() > until {
            let holder = lock.pid.map_or(0, |pid| pid.as_raw_nonzero().get());
            let what = format!("process {holder} still holds {}", path.display());
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        std::thread::sleep(END_LOOK);
    }
    Ok(())
}

/// Whatever else somebody puts there is no job.
fn is_job(path: &Path) -> bool {
    path.join("journal").exists() || path.join("plan.json").exists()
}
