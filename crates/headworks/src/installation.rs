//! One installation: its data folder, opened once, with everything that works on it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::{ApiError, Clock, Ids, RandomIds, Scope, SystemClock};
use devtools::codebuild::role::RoleSessions;
use driver::{Driver, DriverCx, DriverHandle};
use engine::build::Build;
use engine::build_batch::BuildBatch;
use engine::build_queue::BuildQueue;
use engine::command_execution::CommandExecution;
use engine::job::Job;
use engine::pipeline::{Execution, Gates};
use engine::sandbox::Sandbox;
use engine::schedule::Schedule;
use executor::{Executor as _, JobEntry};
use platform::iam;
use platform::{Caller, Cx, Disk, Front, Principal, Site};
use rustix::fs::FlockOperation;
use store::objects::Objects;
use store::{Machines, Store, StoreOptions};
use tokio::sync::{Mutex, Semaphore};

use crate::config::Config;
use crate::installation_key;
use crate::metrics::Metrics;
use crate::root_key::{self, RootKey};
use crate::runner::{self, Chosen};

/// The file whose lock a running server holds.
const LOCK: &str = "lock";

/// Shells in jobs at once: each is a few processes.
const MAX_VISITS: usize = 64;

/// Everything that a running server holds.
pub struct Installation {
    /// Acts for nobody in particular; operations get a copy with their caller.
    pub cx: Cx,
    pub config: Config,
    pub metrics: Metrics,
    pub hosts: wire::EndpointHosts,
    /// The credentials of builds that run.
    pub role_sessions: RoleSessions,
    /// Places for shells in jobs.
    pub visits: Arc<Semaphore>,
    executor: Arc<Chosen>,
    /// Under which name the driver claims effects; its own for each data folder, so that servers that share a
    /// database never take each other's claims for those of a dead run.
    owner: String,
    background: Mutex<Background>,
    /// Held for as long as the process lives, so that two servers never share a data folder.
    _lock: File,
}

/// How an installation is reached.
#[derive(Clone, Debug, Default)]
pub struct Reached {
    /// By clients.
    pub endpoint: String,
    /// By builds on this machine, at 127.0.0.1.
    pub loopback: Option<String>,
    /// By builds on this machine, under AWS's names.
    pub front: Option<Front>,
}

/// Why an installation cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot make the data folder {dir}")]
    Make {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot write into the data folder {dir}")]
    Write {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another server is running on the data folder {dir}")]
    Locked { dir: PathBuf },
    #[error("cannot read or make the installation's key in the data folder {dir}")]
    Key {
        dir: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cannot open the database")]
    Store(#[source] store::Error),
    #[error("cannot open the object store")]
    Objects(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl OpenError {
    /// What the operator can do.
    pub fn hint(&self) -> &'static str {
        match self {
            OpenError::Make { .. } => "name a folder that this user may make or write with --data (setting data_dir)",
            OpenError::Write { .. } => "it must belong to the user who runs the server",
            OpenError::Key { .. } => {
                "the file installation-key must belong to the user who runs the server; without it the stored secrets \
                 cannot be read"
            }
            OpenError::Locked { .. } => "stop that server, or name another folder with --data",
            OpenError::Store(e) => store_hint(e),
            OpenError::Objects(_) => "the folder `objects` in the data folder must be writable",
        }
    }
}

/// What the operator can do about a database that cannot be opened.
pub fn store_hint(e: &store::Error) -> &'static str {
    match e {
        store::Error::Connect { url, .. } if url.contains("://") => {
            "setting `database`: does PostgreSQL run at that address, and are user, password and database name right?"
        }
        store::Error::BadUrl { .. } => {
            "setting `database`: postgres://USER:PASSWORD@HOST/DATABASE, with % escapes for special characters; empty for SQLite"
        }
        store::Error::OlderSchema { .. } => {
            "start the server once with this version: `headworks up` brings the tables up to date"
        }
        store::Error::NewerSchema { .. } => "use the version that wrote it",
        store::Error::NoSchema => "run `headworks up` first; with the setting `database`: is that the right one?",
        store::Error::DiskFull => "free some space where the data folder is",
        _ => {
            "with the setting `database`: may that user make tables there? \
             Without: is headworks.db in the data folder whole, and readable by this user?"
        }
    }
}

/// A driver that runs, and what watches beside it.
#[derive(Default)]
struct Background {
    driver: Option<DriverHandle>,
    watch: Option<tokio::task::JoinHandle<()>>,
}

/// Every machine of the product.
pub fn machines() -> Machines {
    let builds = Machines::new().with::<Build>().with::<BuildBatch>().with::<BuildQueue>();
    builds
        .with::<Sandbox>()
        .with::<CommandExecution>()
        .with::<Execution>()
        .with::<Gates>()
        .with::<Job>()
        .with::<Schedule>()
}

impl Installation {
    /// Opens (at the first start: makes) the data folder. `reached` says how we are reached.
    pub async fn open(config: Config, reached: Reached) -> Result<Arc<Installation>, OpenError> {
        let dir = make_dir(&config.data_dir)?;
        let lock = lock(&dir)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let owner = owner(&dir, &*ids)?;
        let url = config.database.clone().unwrap_or_else(|| dir.join("headworks.db").display().to_string());
        let options = StoreOptions { durable: config.private.is_none(), ..StoreOptions::default() };
        let store = Store::open(&url, machines(), clock.clone(), options).await.map_err(OpenError::Store)?;
        let objects = Objects::open(dir.join("objects"), ids.clone()).map_err(|e| OpenError::Objects(Box::new(e)))?;
        let scope = Scope { account: config.account.clone(), region: config.region.clone() };
        let principal = Principal {
            arn: scope.global_arn("iam", "root").to_string(),
            user_id: scope.account.to_string(),
            access_key: None,
            rights: None,
        };
        let caller = Caller { scope, principal, request_id: String::new(), source_ip: String::new() };
        let hosts = wire::EndpointHosts::new(host_of(&reached.endpoint));
        let disk = Arc::new(Disk::new(&dir, config.disk_warn_free_bytes, config.disk_min_free_bytes));
        let local_sources = config.private.as_ref().map(|private| private.sources.clone()).unwrap_or_default();
        let key = installation_key::read_or_make(&dir, &*ids);
        let key = Arc::new(key.map_err(|source| OpenError::Key { dir: dir.clone(), source })?);
        let site = Arc::new(Site {
            endpoint: reached.endpoint,
            loopback: reached.loopback,
            front: reached.front,
            data_dir: dir.clone(),
            disk,
            key,
            local_sources,
            builds_in_place: config.private.as_ref().is_some_and(|private| private.in_place),
            max_builds: config.max_builds,
            max_executions: config.max_executions,
            test_mode: config.test_mode,
            lenient_runtimes: config.lenient_runtimes,
        });
        let executor = runner::choose(&config, &dir);
        let cx = Cx { store, objects, clock, ids, caller, credentials: Arc::default(), site };
        Ok(Arc::new(Installation {
            cx,
            config,
            metrics: Metrics::new(),
            hosts,
            role_sessions: RoleSessions::default(),
            visits: Arc::new(Semaphore::new(MAX_VISITS)),
            executor,
            owner,
            background: Mutex::default(),
            _lock: lock,
        }))
    }

    /// Makes what the first start makes, then begins to drive.
    pub async fn start(&self, key: &RootKey) -> Result<(), ApiError> {
        self.bootstrap(key).await?;
        let mut background = self.background.lock().await;
        background.driver = Some(self.driver().start());
        let disk = self.cx.site.disk.clone();
        background.watch = Some(tokio::spawn(async move { disk.watch().await }));
        self.executor.begin();
        Ok(())
    }

    /// Stops driving. Running builds go on under their shims.
    pub async fn stop(&self) {
        let background = std::mem::take(&mut *self.background.lock().await);
        if let Some(watch) = background.watch {
            watch.abort();
        }
        if let Some(driver) = background.driver {
            driver.stop().await;
            // An executor that is still being tried out would leave its trial behind.
            let _ = tokio::time::timeout(Duration::from_secs(2), self.executor.settled()).await;
        }
    }

    /// Drops all state: rows, objects, repositories, jobs. For test mode.
    pub async fn reset(&self) -> Result<(), ApiError> {
        let mut background = self.background.lock().await;
        if let Some(driver) = background.driver.take() {
            driver.abort().await;
        }
        runner::clear(&*self.executor).await.map_err(ApiError::internal)?;
        self.cx.store.clear().await?;
        self.cx.objects.clear().await.map_err(ApiError::internal)?;
        for name in ["repositories", "builds", "caches"] {
            set_aside(&self.cx.site.data_dir, name).map_err(ApiError::internal)?;
        }
        let key = root_key::read(&self.cx.site.data_dir).map_err(ApiError::internal)?;
        self.bootstrap(&key).await?;
        background.driver = Some(self.driver().start());
        Ok(())
    }

    /// Ends everything at once, jobs included: nobody will go on with it.
    pub async fn abandon(&self) {
        if let Some(driver) = self.background.lock().await.driver.take() {
            driver.abort().await;
        }
        if let Err(e) = runner::clear(&*self.executor).await {
            tracing::warn!(error = %e, "a job could not be ended");
        }
    }

    fn driver(&self) -> Driver {
        let driver = Driver::new(DriverCx::new(self.cx.clone(), self.executor.clone()), &*self.owner)
            .with(driver::BuildBatchPerformer)
            .with(driver::BuildPerformer)
            .with(driver::NoticePerformer)
            .with(driver::PipelinePerformer)
            .with(driver::SandboxPerformer)
            .with(driver::TriggerPerformer)
            .subscribe(driver::NoticeWriter)
            .subscribe(driver::RuleTargets::new(self.cx.clone()))
            .subscribe(driver::PipelineStarter { ids: Arc::new(RandomIds) })
            .sweep(driver::ContentSweep)
            .first(driver::BuildResume)
            .first(driver::ScheduleReplan)
            .sweep(driver::DiskSweep::default())
            .sweep(driver::LeftoverSweep::default())
            .sweep(driver::LogSweep)
            .sweep(driver::PollSweep)
            .sweep(driver::ReportSweep)
            .sweep(driver::SecretSweep)
            .sweep(driver::SessionSweep);
        match self.config.keep_sandboxes {
            Some(keep) => driver.sweep(driver::SandboxSweep { keep }),
            None => driver,
        }
    }

    async fn bootstrap(&self, key: &RootKey) -> Result<(), ApiError> {
        let key = iam::RootKey { access_key: key.access_key_id.clone(), secret: key.secret_access_key.clone() };
        iam::bootstrap_root(&self.cx.store, &self.config.account, &key).await?;
        self.cx.credentials.forget();
        devtools::codecommit::recover(&self.cx.store, &self.cx.site).await
    }

    /// The executor's jobs; `None` while there is no telling.
    pub async fn jobs(&self) -> Option<Vec<JobEntry>> {
        if !self.executor.is_settled() {
            return None;
        }
        match self.executor.list().await {
            Ok(jobs) => Some(jobs),
            Err(e) => {
                tracing::warn!(error = %e, "cannot list the jobs");
                None
            }
        }
    }

    /// Where builds run, for the operator.
    pub async fn executor_description(&self) -> String {
        self.executor.settled().await.describe()
    }
}

/// Takes a folder out of the way at once and removes it at leisure.
fn set_aside(data_dir: &Path, name: &str) -> io::Result<()> {
    let aside = tempfile::Builder::new().prefix("trash-").tempdir_in(data_dir)?;
    match fs::rename(data_dir.join(name), aside.path().join(name)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => {
            tokio::task::spawn_blocking(move || drop(aside));
            Ok(())
        }
    }
}

/// The name of this data folder: random, made at the first start.
fn owner(dir: &Path, ids: &dyn Ids) -> Result<String, OpenError> {
    let error = |source| OpenError::Write { dir: dir.to_owned(), source };
    let path = dir.join("owner");
    match fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(error(e)),
        _ => {
            let name = ids.uuid().to_string();
            let temporary = dir.join("owner.new");
            fs::write(&temporary, &name).and_then(|()| fs::rename(&temporary, &path)).map_err(error)?;
            Ok(name)
        }
    }
}

/// Makes the data folder, if there is none, and gives its path without links.
pub(crate) fn make_dir(dir: &Path) -> Result<PathBuf, OpenError> {
    let error = |source| OpenError::Make { dir: dir.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(error)?;
    fs::canonicalize(dir).map_err(error)
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let file = File::options().create(true).truncate(false).write(true).open(dir.join(LOCK));
    let file = file.map_err(|source| OpenError::Write { dir: dir.to_owned(), source })?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| OpenError::Locked { dir: dir.to_owned() })?;
    Ok(file)
}

/// Whether a server holds this data folder.
pub fn is_running(dir: &Path) -> bool {
    let Ok(file) = File::open(dir.join(LOCK)) else { return false };
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

/// The host in a URL, without scheme, port and path.
pub fn host_of(endpoint: &str) -> Option<String> {
    let uri: http::Uri = endpoint.parse().ok()?;
    uri.host().map(|h| h.trim_matches(['[', ']']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_keeps_its_name_and_shares_it_with_none() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let name = owner(one.path(), &RandomIds).unwrap();
        assert_eq!(owner(one.path(), &RandomIds).unwrap(), name);
        assert_ne!(owner(two.path(), &RandomIds).unwrap(), name);
    }
}
