//! Makes sure that a build has a place to run in, and lets its log say what that takes.

use std::sync::Arc;

use base::JobSpec;
use engine::build::{Logs, container_line};
use executor::{Executor, ExecutorError};
use platform::Cx;
use store::outbox::Claimed;
use tokio::sync::mpsc;

use super::log;

/// Asks the executor; its progress goes into the log as it comes. The answer is what else the user should know.
pub(super) async fn provision(
    cx: &Cx,
    executor: &Arc<dyn Executor>,
    claimed: &Claimed,
    logs: &Logs,
    spec: &JobSpec,
) -> Result<Vec<String>, ExecutorError> {
    let (lines, mut told) = mpsc::unbounded_channel::<String>();
    let prepare = async move {
        let tell = move |line: String| drop(lines.send(line));
        executor.prepare(spec, &tell).await
    };
    let write = async {
        while let Some(line) = told.recv().await {
            if let Err(error) = append(cx, claimed, logs, line).await {
                tracing::warn!(build.id = claimed.machine_id, error = %error, "a line about the environment was lost");
            }
        }
    };
    tokio::join!(prepare, write).0
}

async fn append(cx: &Cx, claimed: &Claimed, logs: &Logs, text: String) -> Result<(), store::Error> {
    let (scope, logs) = (claimed.scope.clone(), logs.clone());
    let written = cx.store.write(move |tx| {
        let (scope, logs, text) = (scope.clone(), logs.clone(), text.clone());
        Box::pin(async move {
            let now = tx.now();
            log::append(tx, &scope, &logs, &[log::line(now, &container_line(now, &text))]).await
        })
    });
    written.await
}
