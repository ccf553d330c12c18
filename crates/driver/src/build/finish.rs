//! The last lines of the log; then nothing of the build is left but its records.

use std::path::PathBuf;
use std::sync::Arc;

use engine::build::Logs;
use executor::Executor;
use platform::Cx;
use store::outbox::{self, Claimed};
use store::tables::codebuild_log_cursor as cursor;

use super::log;
use super::prepare::remove;
use crate::PerformError;

/// What is left to do.
pub(super) struct Rest {
    pub job: String,
    pub work_dir: PathBuf,
    pub logs: Logs,
    pub lines: Vec<String>,
}

pub(super) async fn finish(
    cx: &Cx,
    executor: &Arc<dyn Executor>,
    claimed: &Claimed,
    rest: Rest,
) -> Result<(), PerformError> {
    let Rest { job, work_dir, logs, lines } = rest;
    executor.destroy(&job).await.map_err(|e| PerformError::new("remove a build's job", e))?;
    remove(&work_dir).await?;
    let claimed = claimed.clone();
    let written = cx.store.write(move |tx| {
        let (claimed, logs, lines, job) = (claimed.clone(), logs.clone(), lines.clone(), job.clone());
        Box::pin(async move {
            let time = tx.now();
            let lines: Vec<_> = lines.iter().map(|text| log::line(time, text)).collect();
            log::append(tx, &claimed.scope, &logs, &lines).await?;
            cursor::delete(tx, &job).await?;
            outbox::finish(tx, &claimed).await
        })
    });
    Ok(written.await?)
}
