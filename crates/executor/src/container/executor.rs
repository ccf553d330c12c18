//! The container executor: finds an image for a job and starts the job's shim.
//!
//! Deviation: an image of CodeBuild's that cannot be had is replaced by the machine's own tools where there is a sandbox for
//! them; the build's log and its PROVISIONING phase say so. An image of the project's own never is.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::{CommandOrder, JobLimits, JobSpec};
use futures_util::FutureExt as _;

use super::engine::{Engine, Facts};
use super::images::{ImageTarget, resolve};
use super::private::{self, PrivateImages};
use super::{ContainerConfig, ContainerPlan, pull};
use crate::jobs::{Shimmed, check};
use crate::nested::Nested;
use crate::shim::{CA_BUNDLE, Plan, Sandbox};
use crate::{BoxFuture, Executor, ExecutorError, HostExecutor, JobEntry, Position, Progress, Reports, Started};

/// How long a pull that failed is not tried again: builds come in swarms.
const FAILURE_LIFE: Duration = Duration::from_secs(300);

/// Runs jobs in containers on this machine. Cheap to clone.
#[derive(Clone)]
pub struct ContainerExecutor(Arc<Inner>);

struct Inner {
    config: ContainerConfig,
    socket: PathBuf,
    facts: Facts,
    jobs: Shimmed,
    fallback: Option<HostExecutor>,
    /// Images that could not be had, since when and why.
    failed: Mutex<HashMap<String, (Instant, String)>>,
    private: Arc<PrivateImages>,
    /// One pull of an image at a time.
    pulls: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

/// Where a job runs, and what its user is told about that.
enum Place {
    /// By its id: the name may be another image's in a moment.
    Container {
        id: String,
        notes: Vec<String>,
    },
    Host {
        host: HostExecutor,
        notes: Vec<String>,
    },
}

impl ContainerExecutor {
    pub(super) fn new(mut config: ContainerConfig, engine: &Engine, facts: Facts) -> Self {
        config.data_dir = config.data_dir.canonicalize().unwrap_or(config.data_dir);
        let jobs = Shimmed::new(config.data_dir.join("jobs"), config.shim.clone());
        let private = Arc::new(PrivateImages::new(config.data_dir.join("private-images")));
        ContainerExecutor(Arc::new(Inner {
            private,
            config,
            socket: engine.socket().to_owned(),
            facts,
            jobs,
            fallback: None,
            failed: Mutex::default(),
            pulls: Mutex::default(),
        }))
    }

    /// The same, with a sandbox on the host for images of CodeBuild's that cannot be had. It must have the same data
    /// folder: a job is found again wherever it runs.
    #[must_use]
    pub fn with_fallback(self, host: HostExecutor) -> Self {
        let inner = &self.0;
        ContainerExecutor(Arc::new(Inner {
            config: inner.config.clone(),
            socket: inner.socket.clone(),
            facts: inner.facts.clone(),
            jobs: Shimmed::new(inner.jobs.jobs_dir().to_owned(), inner.config.shim.clone()),
            fallback: Some(host),
            private: inner.private.clone(),
            failed: Mutex::default(),
            pulls: Mutex::default(),
        }))
    }

    /// Where the jobs' folders are.
    pub fn jobs_dir(&self) -> PathBuf {
        self.0.jobs.jobs_dir().to_owned()
    }

    pub(super) fn jobs(&self) -> &Shimmed {
        &self.0.jobs
    }

    /// The name of a job's container.
    pub(super) fn container_name(&self, id: &str) -> String {
        let jobs_dir = self.0.jobs.jobs_dir().to_string_lossy().into_owned();
        format!("headworks-{}", base::derived_hex::<24>(&["container", &jobs_dir, id]))
    }

    /// Decides where the job runs; gets the image if need be.
    async fn place(&self, spec: &JobSpec, tell: &Progress<'_>) -> Result<Place, ExecutorError> {
        let name = &spec.container.image;
        let resolved = resolve(name, &self.0.config.images);
        let image = match resolved.target {
            ImageTarget::Host => {
                return self.on_host(spec, format!("image {name} stands for this machine's sandbox in the settings"));
            }
            ImageTarget::Image(image) if image.is_empty() => {
                return self.on_host(spec, "no image is named".to_owned());
            }
            ImageTarget::Image(image) => image,
        };
        match self.ensure(spec, &image, tell).await {
            Ok(id) => {
                let mut notes =
                    vec![format!("The build runs in a container of the image {image} ({})", self.0.facts.name)];
                let decided = self.nested(spec);
                notes.extend(Nested::layers_note(spec, &decided));
                match decided {
                    Ok(_) => notes.extend(self.engine_notes()),
                    Err(why) if self.is_privileged(spec) => notes.push(format!(
                        "privilegedMode: the container has all rights, but no container engine of its own: {why}"
                    )),
                    Err(why) if spec.container.privileged => {
                        notes.push(format!("privilegedMode has no effect: {why}"));
                    }
                    Err(_) => {}
                }
                Ok(Place::Container { id, notes })
            }
            Err(why) if resolved.is_curated && self.0.fallback.is_some() => {
                self.on_host(spec, format!("image {image} cannot be had ({why})"))
            }
            Err(why) => Err(unfit(spec, format!("Unable to pull the container image {image}: {why}"))),
        }
    }

    fn on_host(&self, spec: &JobSpec, why: String) -> Result<Place, ExecutorError> {
        match &self.0.fallback {
            Some(host) => {
                let note = format!("{why}: the build runs in this machine's sandbox, with its own tools");
                Ok(Place::Host { host: host.clone(), notes: vec![note] })
            }
            None => Err(unfit(spec, format!("{why}, and jobs run in containers only (setting executor.kind)"))),
        }
    }

    /// Makes sure that the engine has the image and that the job may use it; gives its id. The error is the reason for
    /// the user.
    async fn ensure(&self, spec: &JobSpec, image: &str, tell: &Progress<'_>) -> Result<String, String> {
        let (engine, found) = Engine::with_image(&self.0.socket, image).await.map_err(|e| e.to_string())?;
        let login = spec.container.registry.as_ref();
        let unreadable = |e: io::Error| format!("it is not known who may have it: {e}");
        let may_use = |id: &str| self.0.private.may_use(image, id, login).map_err(unreadable);
        if let Some(id) = found
            && may_use(&id)?
        {
            return Ok(id);
        }
        let one = lock(&self.0.pulls).entry(image.to_owned()).or_default().clone();
        let _turn = match one.try_lock() {
            Ok(turn) => turn,
            Err(_) => {
                tell(format!("Waiting for another build that pulls the image {image}"));
                one.lock().await
            }
        };
        // Credentials decide whether it can be had, so a failure without them says nothing about one with them.
        let key = private::key(image, login);
        if let Some((since, why)) = lock(&self.0.failed).get(&key)
            && since.elapsed() < FAILURE_LIFE
        {
            return Err(why.clone());
        }
        if let Some(id) = engine.image_id(image).await.map_err(|e| e.to_string())?
            && may_use(&id)?
        {
            return Ok(id);
        }
        let pulled = pull::pull(&engine, image, login, tell).await;
        match pulled {
            Ok(id) => match self.0.private.allow(image, &id, login) {
                Ok(()) => Ok(id),
                Err(e) => Err(format!("remembering who may have it: {e}")),
            },
            Err(error) => {
                let mut why = error.to_string();
                if let Some(login) = login {
                    // No registry should quote it.
                    why = why.replace(login.password.expose(), "***");
                    why.push_str(&format!(" (as user {} of the project's registryCredential)", login.username));
                }
                tracing::warn!(image, reason = why, "an image could not be pulled");
                lock(&self.0.failed).insert(key, (Instant::now(), why.clone()));
                Err(why)
            }
        }
    }

    fn plan(&self, spec: &JobSpec, image: String) -> Plan {
        let (config, facts) = (&self.0.config, &self.0.facts);
        let mut spec = spec.clone();
        // It has served its purpose, and the plan lies on the disk.
        spec.container.registry = None;
        if let Some(trust) = &spec.trust {
            for name in &trust.variables {
                spec.env.entry(name.clone()).or_insert_with(|| CA_BUNDLE.to_owned());
            }
        }
        spec.limits = JobLimits {
            cpus: spec.limits.cpus.or(config.limits.cpus),
            memory_bytes: spec.limits.memory_bytes.or(config.limits.memory_bytes),
            processes: spec.limits.processes.or(config.limits.processes),
        };
        if let (Some(name), false) =
            (&spec.succeeding_variable, spec.env.keys().any(|key| Some(key) == spec.succeeding_variable.as_ref()))
        {
            spec.env.insert(name.clone(), "1".to_owned());
        }
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        let owner = match (uid.is_root(), facts.is_rootless) {
            (true, _) => None,
            // Root of the container is the server's user; other users of the container are nobody's here.
            (false, true) => Some((0, 0)),
            (false, false) => Some((uid.as_raw(), gid.as_raw())),
        };
        let container = ContainerPlan {
            socket: self.0.socket.clone(),
            name: self.container_name(&spec.id),
            image,
            network: config.network.clone(),
            joins_networks: facts.is_podman,
            privileged: self.is_privileged(&spec),
            owner,
            hosts_users: facts.remaps_users,
        };
        let mut sandbox = Sandbox { tied_to: config.tied.then(std::process::id), ..Sandbox::default() };
        let decided = self.nested(&spec);
        if decided.is_ok() {
            // What the engine beside the container sees of this machine is what a job in the sandbox would.
            (sandbox.hidden, sandbox.visible) = config.view();
        }
        Plan { spec, sandbox, container: Some(container), nested: None, no_engine: None }.with_engine(decided)
    }

    fn engine_notes(&self) -> Vec<String> {
        let what =
            "privilegedMode: the container has all rights, and the build a container engine of its own (DOCKER_HOST)";
        let mut notes = vec![what.to_owned()];
        if !self.0.facts.is_podman {
            notes.push(
                "ports that its containers publish cannot be reached from the build: Docker lets no container join its \
                 network"
                    .to_owned(),
            );
        }
        notes
    }

    fn is_privileged(&self, spec: &JobSpec) -> bool {
        spec.container.privileged && self.0.config.allow_privileged
    }

    /// The container engine that the job gets for itself, beside its container, or why it gets none.
    fn nested(&self, spec: &JobSpec) -> Result<Nested, String> {
        let obstacle = if !rustix::process::geteuid().is_root() {
            Some("the server does not run as root, so its builds cannot have one")
        } else if self.0.config.network != "host" {
            Some("executor.network keeps containers in a network of the operator's, which its containers would leave")
        } else {
            None
        };
        Nested::decide(spec, self.0.config.allow_privileged, obstacle)
    }

    async fn prepare_job(&self, spec: &JobSpec, tell: &Progress<'_>) -> Result<Vec<String>, ExecutorError> {
        check_users(spec)?;
        match self.place(spec, tell).await? {
            Place::Container { notes, .. } => Ok(notes),
            Place::Host { host, mut notes } => {
                let mut plain = spec.clone();
                // The note has said it already.
                plain.container.image.clear();
                notes.extend(host.prepare(&plain, tell).await?);
                Ok(notes)
            }
        }
    }

    async fn start_job(&self, spec: &JobSpec) -> Result<Started, ExecutorError> {
        check_users(spec)?;
        if self.0.jobs.was_started(&spec.id)? {
            return Ok(Started::Already);
        }
        match self.place(spec, &|_| {}).await? {
            Place::Container { id, .. } => self.0.jobs.start(&self.plan(spec, id)).await,
            Place::Host { host, .. } => host.start(spec).await,
        }
    }
}

/// Names of users go into a shell's script.
fn check_users(spec: &JobSpec) -> Result<(), ExecutorError> {
    let is_name = |name: &str| {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        plain && !name.is_empty() && !name.starts_with('-')
    };
    match spec.steps.iter().filter_map(|step| step.run_as.as_deref()).find(|name| !is_name(name)) {
        Some(name) => Err(unfit(spec, format!("run-as: {name:?} is no user's name"))),
        None => check(spec),
    }
}

fn unfit(spec: &JobSpec, reason: String) -> ExecutorError {
    ExecutorError::Unfit { id: spec.id.clone(), reason }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Executor for ContainerExecutor {
    fn name(&self) -> &'static str {
        "container"
    }

    fn describe(&self) -> String {
        let inner = &self.0;
        let otherwise = match &inner.fallback {
            Some(host) => format!("CodeBuild's images that cannot be pulled run here: {}", host.describe()),
            None => "what cannot be pulled fails".to_owned(),
        };
        let (engine, network) = (&inner.facts.name, &inner.config.network);
        format!("container: {engine} at {}, network {network}; {otherwise}", inner.socket.display())
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        self.prepare_job(spec, tell).boxed()
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        self.start_job(spec).boxed()
    }

    fn follow(&self, id: &str, from: Position) -> Reports {
        self.0.jobs.follow(id, from)
    }

    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.0.jobs.order(id, order).boxed()
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.0.jobs.cancel(id).boxed()
    }

    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.0.jobs.destroy(id).boxed()
    }

    fn reaches_loopback(&self) -> bool {
        self.0.config.network == "host"
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        async move { self.0.jobs.list().map_err(ExecutorError::io("listing the jobs")) }.boxed()
    }

    fn remains(&self) -> BoxFuture<'_, Result<Vec<String>, ExecutorError>> {
        async move { self.0.jobs.remains().map_err(ExecutorError::io("listing what is left of jobs")) }.boxed()
    }

    fn tidy(&self) -> BoxFuture<'_, ()> {
        async move {
            self.0.jobs.tidy().await;
            if self.0.jobs.may_have_containers()
                && let Ok(engine) = Engine::connect(&self.0.socket).await
            {
                self.sweep(&engine).await;
            }
        }
        .boxed()
    }
}
