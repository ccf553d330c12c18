//! An engine that does not answer when the server starts: on a machine that comes up, the server may be the faster one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base::{CommandOrder, JobSpec};
use futures_util::FutureExt as _;

use super::engine::{RESTART_LIMIT, RESTART_PAUSE};
use super::{ContainerConfig, ContainerExecutor, NoEngine};
use crate::jobs::Shimmed;
use crate::{BoxFuture, Executor, ExecutorError, JobEntry, Position, Progress, Reports, Started};

/// Builds that come in a swarm need not all wait for an engine that was just waited for in vain.
const FAILURE_LIFE: Duration = Duration::from_secs(5);

/// Looks for an engine when a job needs one. Jobs that run already are followed, cancelled and removed without it.
#[derive(Clone)]
pub struct LateEngine(Arc<Inner>);

struct Inner {
    config: ContainerConfig,
    jobs: Shimmed,
    found: Mutex<Option<ContainerExecutor>>,
    /// The last failure; held by whoever looks.
    failed: tokio::sync::Mutex<Option<(Instant, NoEngine)>>,
}

impl LateEngine {
    /// To be used when [`ContainerExecutor::probe`] has found none.
    pub fn new(mut config: ContainerConfig) -> Self {
        config.data_dir = config.data_dir.canonicalize().unwrap_or(config.data_dir);
        let jobs = Shimmed::new(config.data_dir.join("jobs"), config.shim.clone());
        LateEngine(Arc::new(Inner { config, jobs, found: Mutex::default(), failed: tokio::sync::Mutex::default() }))
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
                    tracing::info!(executor = found.describe(), "a container engine answers now");
                    *self.0.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.clone());
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
        "container"
    }

    fn describe(&self) -> String {
        match self.found() {
            Some(found) => found.describe(),
            None => "container: no engine answers yet".to_owned(),
        }
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        async move { self.engine(spec).await?.prepare(spec, tell).await }.boxed()
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        async move {
            if self.0.jobs.was_started(&spec.id)? {
                return Ok(Started::Already);
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
            match self.found() {
                Some(found) => found.destroy(id).await,
                None => self.0.jobs.destroy(id).await,
            }
        }
        .boxed()
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
            match self.found() {
                Some(found) => found.tidy().await,
                None => self.0.jobs.tidy().await,
            }
        }
        .boxed()
    }
}
