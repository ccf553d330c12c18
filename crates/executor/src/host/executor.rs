//! The host executor: starts shims and looks after their folders.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::{JobLimits, JobSpec};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::follow::Follower;
use super::watch::Watcher;
use super::{HostConfig, Isolation};
use crate::folder::{self, Folder};
use crate::shim::{Plan, SAID_ALREADY, SAID_BEGUN, Sandbox};
use crate::{BoxFuture, Executor, ExecutorError, JobEntry, JobState, Position, Reports, Started};

/// How long a shim may take to say that it has begun, on a machine in distress.
const BEGIN_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at a job that another server is starting at this moment.
const RACE_PAUSE: Duration = Duration::from_millis(2);
/// How long a killed job may take to be gone.
const END_LIMIT: Duration = Duration::from_secs(30);
/// Where [`Executor::destroy`] puts a folder before it removes it, so that a half-removed job is no job.
const DOOMED: &str = ".doomed-";

/// Runs jobs on this machine. Cheap to clone.
#[derive(Clone)]
pub struct HostExecutor(Arc<Inner>);

struct Inner {
    config: HostConfig,
    isolation: Isolation,
    watcher: Mutex<Option<Arc<Watcher>>>,
}

impl HostExecutor {
    /// An executor that isolates in this way; [`HostExecutor::probe`] finds out which way works.
    pub fn new(config: HostConfig, isolation: Isolation) -> Self {
        let config = config.resolved();
        HostExecutor(Arc::new(Inner { config, isolation, watcher: Mutex::default() }))
    }

    /// How jobs are kept apart.
    pub fn isolation(&self) -> &Isolation {
        &self.0.isolation
    }

    /// Where the jobs' folders are.
    pub fn jobs_dir(&self) -> PathBuf {
        self.0.config.jobs_dir()
    }

    fn folder(&self, id: &str) -> Folder {
        Folder::of(&self.jobs_dir(), id)
    }

    fn check(&self, spec: &JobSpec) -> Result<(), ExecutorError> {
        let unfit = |reason: String| Err(ExecutorError::Unfit { id: spec.id.clone(), reason });
        if spec.id.is_empty() || spec.id.len() > 80 {
            return unfit("its id must have 1 to 80 bytes".into());
        }
        if !spec.work_dir.is_absolute() || !spec.current_dir.starts_with(&spec.work_dir) {
            return unfit("its folders must be absolute, and the current one in its work folder".into());
        }
        if !matches!(spec.shell.as_str(), "sh" | "bash" | "") && !spec.shell.starts_with('/') {
            return unfit(format!("the shell {:?} is not sh, bash or an absolute path", spec.shell));
        }
        let has_users = !self.0.isolation.user_namespace && rustix::process::geteuid().is_root();
        if let Some(user) = spec.steps.iter().find_map(|step| step.run_as.as_deref()).filter(|_| !has_users) {
            return unfit(format!(
                "commands cannot run as {user}: the server does not run as root, so its jobs have one user"
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

    fn plan(&self, spec: &JobSpec) -> Plan {
        let config = &self.0.config;
        let mut spec = spec.clone();
        let own = [
            ("HOME", config.home.to_string_lossy().into_owned()),
            ("PATH", config.path.to_string_lossy().into_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ];
        for (name, value) in own {
            spec.env.entry(name.to_owned()).or_insert(value);
        }
        spec.limits = JobLimits {
            cpus: spec.limits.cpus.or(config.limits.cpus),
            memory_bytes: spec.limits.memory_bytes.or(config.limits.memory_bytes),
            processes: spec.limits.processes.or(config.limits.processes),
        };
        let isolation = &self.0.isolation;
        let mut hidden = config.hidden.clone();
        hidden.push(config.data_dir.clone());
        let sandbox = Sandbox {
            isolated: isolation.isolated,
            user_namespace: isolation.user_namespace,
            hidden,
            visible: config.visible.clone(),
            hold_failed: config.hold_failed,
            tied_to: config.tied.then(std::process::id),
        };
        Plan { spec, sandbox }
    }

    async fn start_job(&self, spec: &JobSpec) -> Result<Started, ExecutorError> {
        self.check(spec)?;
        let folder = self.folder(&spec.id);
        let doing = || format!("writing down job {}", spec.id);
        match folder.state().map_err(ExecutorError::io(doing()))? {
            Some(JobState::Running | JobState::Ended | JobState::Lost) => return Ok(Started::Already),
            Some(JobState::Waiting) | None => {}
        }
        let plan = self.plan(spec);
        write_down(&folder, &plan).map_err(ExecutorError::io(doing()))?;
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
                let reason = format!("{} said nothing. {log}", self.0.config.shim.program.display());
                Err(ExecutorError::Shim { id: spec.id.clone(), reason })
            }
            other => Err(ExecutorError::Shim { id: spec.id.clone(), reason: other.to_owned() }),
        }
    }

    /// Starts the process and waits for its first line.
    #[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
    async fn spawn_shim(&self, id: &str, folder: &Folder) -> Result<String, ExecutorError> {
        let shim = &self.0.config.shim;
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

    fn watcher(&self) -> io::Result<Arc<Watcher>> {
        let mut shared = self.0.watcher.lock().unwrap_or_else(PoisonError::into_inner);
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

    async fn cancel_job(&self, id: &str) -> Result<(), ExecutorError> {
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

    async fn destroy_job(&self, id: &str) -> Result<(), ExecutorError> {
        let doing = || format!("removing job {id}");
        let folder = self.folder(id);
        if folder.state().map_err(ExecutorError::io(doing()))? == Some(JobState::Running) {
            self.cancel_job(id).await?;
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
        let doomed = self.jobs_dir().join(format!("{DOOMED}{}", folder::encode(id)));
        let remove = move || {
            crate::shim::remove_left_cgroups(&folder);
            folder::remove_tree(&doomed)?;
            match fs::rename(folder.path(), &doomed) {
                Ok(()) => folder::remove_tree(&doomed),
                Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(e) => Err(e),
            }
        };
        let removed = tokio::task::spawn_blocking(remove).await.unwrap_or_else(|e| Err(io::Error::other(e)));
        removed.map_err(ExecutorError::io(doing()))
    }

    fn list_jobs(&self) -> io::Result<Vec<JobEntry>> {
        let mut jobs = Vec::new();
        let entries = match fs::read_dir(self.jobs_dir()) {
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

impl Executor for HostExecutor {
    fn name(&self) -> &'static str {
        "host"
    }

    fn describe(&self) -> String {
        self.0.isolation.to_string()
    }

    fn prepare<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<(), ExecutorError>> {
        async move { self.check(spec) }.boxed()
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        self.start_job(spec).boxed()
    }

    fn follow(&self, id: &str, from: Position) -> Reports {
        let follower = match self.follower(id, from) {
            Ok(follower) => follower,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        stream::try_unfold(follower, |mut follower| async move {
            Ok(follower.next().await?.map(|report| (report, follower)))
        })
        .boxed()
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.cancel_job(id).boxed()
    }

    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.destroy_job(id).boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        async move { self.list_jobs().map_err(ExecutorError::io("listing the jobs")) }.boxed()
    }
}

fn write_down(folder: &Folder, plan: &Plan) -> io::Result<()> {
    folder::make_private_dir(folder.path())?;
    folder::write_durably(&folder.plan(), &serde_json::to_vec(plan)?)?;
    match folder.path().parent() {
        Some(jobs) => folder::sync_dir(jobs),
        None => Ok(()),
    }
}

/// Whatever else somebody puts there is no job.
fn is_job(path: &Path) -> bool {
    path.join("journal").exists() || path.join("plan.json").exists()
}
