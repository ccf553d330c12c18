//! Where builds run: the executor that the settings and this machine allow.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::JobSpec;
use executor::{BoxFuture, Executor, ExecutorError, HostConfig, HostExecutor, JobEntry, Position, Reports, Started};

use crate::config::{Config, ExecutorKind};

/// The executor for these settings. Where none can be had, one that refuses each job with the reason.
pub async fn choose(config: &Config, data_dir: &Path) -> Arc<dyn Executor> {
    if config.executor == ExecutorKind::None {
        let reason = "the setting executor.kind is 'none', so builds cannot run here".to_owned();
        return Arc::new(NoExecutor { reason });
    }
    let mut host = HostConfig::new(data_dir);
    host.allow_unisolated = config.allow_unisolated;
    host.hidden.extend(config.hidden.iter().cloned());
    host.hidden.extend(own_files(config));
    host.visible.extend(config.visible.iter().cloned());
    match HostExecutor::probe(host).await {
        Ok(executor) => Arc::new(executor),
        Err(e) => {
            tracing::warn!(error = %e, hint = e.hint, "builds cannot run on this machine");
            Arc::new(NoExecutor { reason: format!("{e}; {}", e.hint) })
        }
    }
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

/// Refuses every job, with the reason: never a made-up success.
struct NoExecutor {
    reason: String,
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

    fn prepare<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<(), ExecutorError>> {
        Box::pin(async { Err(self.refuse(&spec.id)) })
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        Box::pin(async { Err(self.refuse(&spec.id)) })
    }

    fn follow(&self, id: &str, _from: Position) -> Reports {
        let unknown = ExecutorError::UnknownJob(id.to_owned());
        Box::pin(futures_util::stream::iter([Err(unknown)]))
    }

    fn cancel<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        Box::pin(async { Ok(()) })
    }

    fn destroy<'a>(&'a self, _id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        Box::pin(async { Ok(()) })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Ends and removes every job, for the reset of test mode.
pub async fn clear(executor: &dyn Executor) -> io::Result<()> {
    for job in executor.list().await.map_err(io::Error::other)? {
        executor.destroy(&job.id).await.map_err(io::Error::other)?;
    }
    Ok(())
}
