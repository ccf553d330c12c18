//! Finds an engine, once, at start.

use std::collections::HashSet;

use super::attendant::JOBS_DIR_LABEL;
use super::engine::{Engine, EngineError};
use super::leftover::remove_left;
use super::{ContainerConfig, ContainerExecutor};

/// Why no container engine can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no container engine can be used: {reason}")]
pub struct NoEngine {
    pub reason: String,
    /// What the operator can do.
    pub hint: String,
}

impl ContainerExecutor {
    /// Connects to the first engine that answers, and removes containers of jobs that are no more.
    ///
    /// # Errors
    /// When none answers.
    pub async fn probe(config: ContainerConfig) -> Result<ContainerExecutor, NoEngine> {
        let mut reasons = Vec::new();
        for socket in config.sockets() {
            if config.socket.is_none() && !socket.exists() {
                continue;
            }
            match find(&socket).await {
                Ok((engine, facts)) => {
                    let executor = ContainerExecutor::new(config, &engine, facts);
                    remove_left(executor.jobs().jobs_dir()).await;
                    executor.sweep(&engine).await;
                    return Ok(executor);
                }
                Err(error) => reasons.push(error.to_string()),
            }
        }
        let reason = match reasons.is_empty() {
            true => "none of the usual sockets exists".to_owned(),
            false => reasons.join("; "),
        };
        let hint = "start Docker or `podman system service`, name its socket in executor.socket, and let the server's \
                    user use it"
            .to_owned();
        Err(NoEngine { reason, hint })
    }

    /// Removes containers without a job: it was removed while the engine did not answer, or before the engine had dealt
    /// with a request for it.
    pub(super) async fn sweep(&self, engine: &Engine) {
        let label = format!("{JOBS_DIR_LABEL}={}", self.jobs().jobs_dir().display());
        let Ok(containers) = engine.labelled(&label).await else { return };
        // Asked last: a job is there before its container.
        let Ok(jobs) = self.jobs().list() else { return };
        let known: HashSet<String> = jobs.iter().map(|job| self.container_name(&job.id)).collect();
        for name in containers {
            let job = name.strip_suffix("-owner").unwrap_or(&name);
            if !known.contains(job)
                && let Err(error) = engine.remove(&name).await
            {
                tracing::warn!(container.name = name, error = %error, "a container without a job could not be removed");
            }
        }
    }
}

async fn find(socket: &std::path::Path) -> Result<(Engine, super::engine::Facts), EngineError> {
    let engine = Engine::connect(socket).await?;
    let facts = engine.facts().await?;
    Ok((engine, facts))
}
