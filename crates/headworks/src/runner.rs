//! Where builds run: the executor that the settings and this machine allow.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{CommandOrder, JobSpec};
use executor::{
    Behaviour, BoxFuture, ContainerConfig, ContainerExecutor, DummyExecutor, Executor, ExecutorError, HostConfig,
    HostExecutor, JobEntry, LateEngine, NoEngine, Position, Progress, Reports, Started, Unavailable,
};
use futures_util::{StreamExt, stream};
use tokio::sync::{Notify, watch};

use crate::config::{Config, ExecutorKind};

/// The executor for these settings, which tries itself out when it is asked to or needed; what needs it waits. A trial
/// starts processes and waits for the disk, so the server's own start does not have it beside itself.
pub fn choose(config: &Config, data_dir: &Path) -> Arc<Chosen> {
    let (config, data_dir) = (config.clone(), data_dir.to_owned());
    let (found, settled) = watch::channel(None);
    let wanted = Arc::new(Notify::new());
    let begin = wanted.clone();
    tokio::spawn(async move {
        begin.notified().await;
        let executor = find(&config, &data_dir).await;
        // Nobody waits any more: the server has stopped.
        let _ = found.send(Some(executor));
    });
    Arc::new(Chosen { wanted, settled })
}

/// Where none can be had, one that refuses each job with the reason.
async fn find(config: &Config, data_dir: &Path) -> Arc<dyn Executor> {
    let none = |reason: String| Arc::new(NoExecutor { reason, jobs: HostExecutor::untried(HostConfig::new(data_dir)) });
    if config.executor == ExecutorKind::None {
        return none("the setting executor.kind is 'none', so builds cannot run here".to_owned());
    }
    if config.executor == ExecutorKind::Dummy {
        let dummy = DummyExecutor::default();
        let notes = vec!["executor.kind is 'dummy': nothing of this build is really run".to_owned()];
        dummy.tell_all(Behaviour::Provision { progress: Vec::new(), notes });
        return Arc::new(dummy);
    }
    let holds_failed = config.private.as_ref().is_some_and(|private| private.hold_failed);
    if config.executor == ExecutorKind::Container && holds_failed {
        return none("a shell where a build failed is not built for containers: set executor.kind to host".to_owned());
    }
    let container = match config.executor {
        ExecutorKind::Auto if holds_failed => {
            Err(NoEngine { reason: "jobs in containers cannot be held".to_owned(), hint: String::new() })
        }
        ExecutorKind::Container | ExecutorKind::Auto => {
            ContainerExecutor::probe(container_config(config, data_dir)).await
        }
        ExecutorKind::Host | ExecutorKind::Dummy | ExecutorKind::None => {
            Err(NoEngine { reason: "it is not asked for".to_owned(), hint: String::new() })
        }
    };
    match (container, config.executor) {
        (Ok(container), ExecutorKind::Container) => Arc::new(container),
        (Err(e), ExecutorKind::Container) => {
            tracing::warn!(error = %e, hint = e.hint, "builds cannot run on this machine yet");
            Arc::new(LateEngine::new(container_config(config, data_dir)))
        }
        (Ok(container), _) => match host(config, data_dir).await {
            Ok(host) => Arc::new(container.with_fallback(host)),
            Err(_) => Arc::new(container),
        },
        (Err(_), kind) => match host(config, data_dir).await {
            Ok(host) if kind == ExecutorKind::Auto && !holds_failed => {
                Arc::new(LateEngine::or_host(container_config(config, data_dir), host))
            }
            Ok(host) => Arc::new(host),
            Err(e) => {
                tracing::warn!(error = %e, hint = e.hint, "builds cannot run on this machine");
                none(format!("{e}; {}", e.hint))
            }
        },
    }
}

fn container_config(config: &Config, data_dir: &Path) -> ContainerConfig {
    ContainerConfig {
        socket: config.engine_socket.clone(),
        images: config.images.clone(),
        network: config.network.clone(),
        allow_privileged: config.allow_privileged,
        tied: config.private.is_some(),
        hidden: hidden(config),
        visible: config.visible.clone(),
        ..ContainerConfig::new(data_dir)
    }
}

async fn host(config: &Config, data_dir: &Path) -> Result<HostExecutor, Unavailable> {
    let mut host = HostConfig::new(data_dir);
    host.allow_unisolated = config.allow_unisolated;
    host.allow_privileged = config.allow_privileged;
    host.tied = config.private.is_some();
    host.hold_failed = config.private.as_ref().is_some_and(|private| private.hold_failed);
    host.hidden.extend(hidden(config));
    host.visible.extend(config.visible.iter().cloned());
    if config.private.is_some() && !config.allow_unisolated {
        return Ok(HostExecutor::untried(host));
    }
    HostExecutor::probe(host).await
}

/// What jobs, and container engines beside them, do not see of this machine, besides the defaults.
fn hidden(config: &Config) -> Vec<PathBuf> {
    let mut hidden = config.hidden.clone();
    hidden.extend(own_files(config));
    hidden
}

/// The server's files that need not be in its data folder: the configuration, which may hold a database's password,
/// and a database.
fn own_files(config: &Config) -> Vec<PathBuf> {
    let mut files = config.file.iter().cloned().collect::<Vec<_>>();
    if let Some(database) = config.database.as_deref().filter(|d| !d.contains("://")) {
        files.extend(["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{database}{end}"))));
    }
    let absolute = |file: PathBuf| std::path::absolute(&file).unwrap_or(file);
    files.into_iter().map(absolute).collect()
}

/// An executor that is being tried out, then that executor.
#[derive(Clone)]
pub struct Chosen {
    wanted: Arc<Notify>,
    settled: watch::Receiver<Option<Arc<dyn Executor>>>,
}

impl Chosen {
    /// Whether it is known by now where jobs run.
    pub fn is_settled(&self) -> bool {
        self.settled.borrow().is_some()
    }

    /// Begins to try it out, unless that has begun.
    pub fn begin(&self) {
        self.wanted.notify_one();
    }

    /// The executor, once it is known to work here.
    pub async fn settled(&self) -> Arc<dyn Executor> {
        self.begin();
        match self.settled.clone().wait_for(Option::is_some).await.ok().and_then(|found| found.clone()) {
            Some(executor) => executor,
            // The server stops while it looks. Any answer would be wrong: a job that runs on would count as lost.
            None => std::future::pending().await,
        }
    }
}

impl Executor for Chosen {
    fn name(&self) -> &'static str {
        self.settled.borrow().as_ref().map_or("undecided", |executor| executor.name())
    }

    fn describe(&self) -> String {
        let settled = self.settled.borrow();
        settled.as_ref().map_or_else(|| "not yet known".to_owned(), |executor| executor.describe())
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        Box::pin(async move { self.settled().await.prepare(spec, tell).await })
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        Box::pin(async move { self.settled().await.start(spec).await })
    }

    fn follow(&self, id: &str, from: Position) -> Reports {
        let (chosen, id) = (self.clone(), id.to_owned());
        Box::pin(stream::once(async move { chosen.settled().await.follow(&id, from) }).flatten())
    }

    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>> {
        Box::pin(async move { self.settled().await.order(id, order).await })
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        Box::pin(async move { self.settled().await.cancel(id).await })
    }

    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        Box::pin(async move { self.settled().await.destroy(id).await })
    }

    fn decided(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { drop(self.settled().await) })
    }

    fn is_decided(&self) -> bool {
        self.is_settled()
    }

    fn routes(&self) -> bool {
        self.settled.borrow().as_ref().is_some_and(|executor| executor.routes())
    }

    fn reaches_loopback(&self) -> bool {
        self.settled.borrow().as_ref().is_none_or(|executor| executor.reaches_loopback())
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        Box::pin(async { self.settled().await.list().await })
    }

    fn remains(&self) -> BoxFuture<'_, Result<Vec<String>, ExecutorError>> {
        Box::pin(async { self.settled().await.remains().await })
    }

    fn tidy(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { self.settled().await.tidy().await })
    }
}

/// Refuses every job, with the reason: never a made-up success. Jobs that run since before are followed to their end.
struct NoExecutor {
    reason: String,
    jobs: HostExecutor,
}

impl NoExecutor {
    fn refuse(&self, id: &str) -> ExecutorError {
        ExecutorError::Unfit { id: id.to_owned(), reason: self.reason.clone() }
    }
}

impl Executor for NoExecutor {
    fn name(&self) -> &'static str {
        "none"
    }

    fn describe(&self) -> String {
        format!("nowhere: {}", self.reason)
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        _tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        Box::pin(async { Err(self.refuse(&spec.id)) })
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        Box::pin(async { Err(self.refuse(&spec.id)) })
    }

    fn follow(&self, id: &str, from: Position) -> Reports {
        self.jobs.follow(id, from)
    }

    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.jobs.order(id, order)
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.jobs.cancel(id)
    }

    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.jobs.destroy(id)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        self.jobs.list()
    }

    fn remains(&self) -> BoxFuture<'_, Result<Vec<String>, ExecutorError>> {
        self.jobs.remains()
    }

    fn tidy(&self) -> BoxFuture<'_, ()> {
        self.jobs.tidy()
    }
}

/// Ends and removes every job, for the reset of test mode.
pub async fn clear(executor: &dyn Executor) -> io::Result<()> {
    for job in executor.list().await.map_err(io::Error::other)? {
        executor.destroy(&job.id).await.map_err(io::Error::other)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Layers;

    #[test]
    fn an_engine_beside_a_container_does_not_see_the_servers_own_files() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("headworks.toml");
        std::fs::write(&file, "database = '/srv/db/headworks.db'\n[executor]\nhidden = '/srv/secrets'\n").unwrap();
        let config = Layers::new().file(&file, true).unwrap().config().unwrap();
        let hidden = container_config(&config, dir.path()).hidden;
        for path in [file, "/srv/secrets".into(), "/srv/db/headworks.db".into(), "/srv/db/headworks.db-wal".into()] {
            assert!(hidden.contains(&path), "{} in {hidden:?}", path.display());
        }
    }
}
