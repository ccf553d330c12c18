//! An engine that does not answer when the server starts: on a machine that comes up, the server may be the faster one.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::{CommandOrder, JobSpec};
use futures_util::FutureExt as _;

use super::engine::{RESTART_LIMIT, RESTART_PAUSE};
use super::{ContainerConfig, ContainerExecutor, NoEngine};
use crate::jobs::Shimmed;
use crate::{BoxFuture, Executor, ExecutorError, HostExecutor, JobEntry, Position, Progress, Reports, Started};

/// Builds that come in a swarm need not all wait for an engine that was just waited for in vain.
const FAILURE_LIFE: Duration = Duration::from_secs(5);

/// How long a job that can do without an engine is held up by one that does not answer.
const LOOK_LIMIT: Duration = Duration::from_secs(5);

/// Looks for an engine when a job needs one. Jobs that run already are followed, cancelled and removed without it.
#[derive(Clone)]
pub struct LateEngine(Arc<Inner>);

struct Inner {
    config: ContainerConfig,
    jobs: Shimmed,
    /// Where jobs run as long as no engine answers; `None`: they wait for one, and fail.
    fallback: Option<HostExecutor>,
    /// Jobs that were told that they run there.
    on_host: Mutex<HashSet<String>>,
    found: Mutex<Option<ContainerExecutor>>,
    /// The last failure; held by whoever looks.
    failed: tokio::sync::Mutex<Option<(Instant, NoEngine)>>,
}

impl LateEngine {
    /// To be used when [`ContainerExecutor::probe`] has found none.
    pub fn new(mut config: ContainerConfig) -> Self {
        config.data_dir = config.data_dir.canonicalize().unwrap_or(config.data_dir);
        let jobs = Shimmed::new(config.data_dir.join("jobs"), config.shim.clone());
        let (fallback, on_host, found, failed) = Default::default();
        LateEngine(Arc::new(Inner { config, jobs, fallback, on_host, found, failed }))
    }

    /// The same, with a sandbox on the host for as long as no engine answers, and for images of CodeBuild's that cannot be
    /// had when one does. It must have the same data folder.
    #[must_use]
    pub fn or_host(config: ContainerConfig, host: HostExecutor) -> Self {
        let jobs = Shimmed::new(host.jobs_dir(), config.shim.clone());
        let (on_host, found, failed) = Default::default();
        LateEngine(Arc::new(Inner { config, jobs, fallback: Some(host), on_host, found, failed }))
    }

    /// The sandbox, when the job is to run there: no engine answers, or the job was told so.
    async fn host(&self, spec: &JobSpec) -> Option<&HostExecutor> {
        let host = self.0.fallback.as_ref()?;
        if self.on_host().contains(&spec.id) {
            return Some(host);
        }
        if self.found().is_some() {
            return None;
        }
        let mut failed = self.0.failed.lock().await;
        if self.found().is_some() {
            return None;
        }
        if failed.as_ref().is_some_and(|(since, _)| since.elapsed() < FAILURE_LIFE) {
            return Some(host);
        }
        let probe = ContainerExecutor::probe(self.0.config.clone());
        let error = match tokio::time::timeout(LOOK_LIMIT, probe).await {
            Ok(Ok(found)) => {
                self.settle(found.with_fallback(host.clone()));
                return None;
            }
            Ok(Err(error)) => error,
            Err(_) => {
                let reason = format!("it does not answer in {} s", LOOK_LIMIT.as_secs());
                NoEngine { reason, hint: String::new() }
            }
        };
        *failed = Some((Instant::now(), error));
        Some(host)
    }

    fn settle(&self, found: ContainerExecutor) {
        tracing::info!(executor = found.describe(), "a container engine answers now");
        *self.0.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    fn on_host(&self) -> MutexGuard<'_, HashSet<String>> {
        self.0.on_host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self) -> Option<ContainerExecutor> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn engine(&self, spec: &JobSpec) -> Result<ContainerExecutor, ExecutorError> {
        if let Some(found) = self.found() {
            return Ok(found);
        }
        let mut failed = self.0.failed.lock().await;
        if let Some(found) = self.found() {
            return Ok(found);
        }
        let unfit = |e: &NoEngine| ExecutorError::Unfit { id: spec.id.clone(), reason: format!("{e}; {}", e.hint) };
        if let Some((since, error)) = &*failed
            && since.elapsed() < FAILURE_LIFE
        {
            return Err(unfit(error));
        }
        let until = Instant::now() + RESTART_LIMIT;
        loop {
            match ContainerExecutor::probe(self.0.config.clone()).await {
                Ok(found) => {
                    self.settle(found.clone());
                    return Ok(found);
                }
                Err(_) if Instant::now() < until => tokio::time::sleep(RESTART_PAUSE).await,
                Err(error) => {
                    let answer = unfit(&error);
                    *failed = Some((Instant::now(), error));
                    return Err(answer);
                }
            }
        }
    }
}

impl Executor for LateEngine {
    fn name(&self) -> &'static str {
        match (&self.0.fallback, self.found()) {
            (Some(host), None) => host.name(),
            _ => "container",
        }
    }

    fn describe(&self) -> String {
        match (self.found(), &self.0.fallback) {
            (Some(found), _) => found.describe(),
            (None, Some(host)) => format!("{}; in containers as soon as an engine answers", host.describe()),
            (None, None) => "container: no engine answers yet".to_owned(),
        }
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        async move {
            if let Some(host) = self.host(spec).await {
                // What it is told now holds when it starts, whoever answers then.
                self.on_host().insert(spec.id.clone());
                return host.prepare(spec, tell).await;
            }
            self.engine(spec).await?.prepare(spec, tell).await
        }
        .boxed()
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        async move {
            if self.0.jobs.was_started(&spec.id)? {
                return Ok(Started::Already);
            }
            if let Some(host) = self.host(spec).await {
                return host.start(spec).await;
            }
            self.engine(spec).await?.start(spec).await
        }
        .boxed()
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
        async move {
            self.on_host().remove(id);
            match self.found() {
                Some(found) => found.destroy(id).await,
                None => self.0.jobs.destroy(id).await,
            }
        }
        .boxed()
    }

    fn routes(&self) -> bool {
        match (&self.0.fallback, self.found()) {
            (Some(host), None) => host.routes(),
            _ => false,
        }
    }

    fn reaches_loopback(&self) -> bool {
        match (&self.0.fallback, self.found()) {
            (Some(host), None) => host.reaches_loopback(),
            _ => self.0.config.network == "host",
        }
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        async move { self.0.jobs.list().map_err(ExecutorError::io("listing the jobs")) }.boxed()
    }

    fn remains(&self) -> BoxFuture<'_, Result<Vec<String>, ExecutorError>> {
        async move { self.0.jobs.remains().map_err(ExecutorError::io("listing what is left of jobs")) }.boxed()
    }

    fn tidy(&self) -> BoxFuture<'_, ()> {
        async move {
            match self.found() {
                Some(found) => found.tidy().await,
                None => self.0.jobs.tidy().await,
            }
        }
        .boxed()
    }
}
