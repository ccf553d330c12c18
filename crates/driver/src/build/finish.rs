//! The last lines of the log; then nothing of the build is left but its records, and its credentials are void.

use std::path::PathBuf;
use std::sync::Arc;

use devtools::codebuild::role;
use engine::build::{Logs, Place, container_line};
use executor::Executor;
use platform::Cx;
use store::outbox::{self, Claimed};
use store::tables::codebuild_log_cursor as cursor;

use super::credentials::as_role;
use super::prepare::remove;
use super::{answer, log, s3_log};
use crate::PerformError;

/// What is left to do.
pub(super) struct Rest {
    pub job: String,
    pub work_dir: PathBuf,
    pub logs: Logs,
    pub lines: Vec<String>,
    pub log_object: Option<Place>,
}

pub(super) async fn finish(
    cx: &Cx,
    executor: &Arc<dyn Executor>,
    claimed: &Claimed,
    rest: Rest,
) -> Result<(), PerformError> {
    let Rest { job, work_dir, logs, mut lines, log_object } = rest;
    if let Some(place) = &log_object
        && let Some(state) = answer::state(cx, claimed).await?
    {
        let acting = as_role(cx, &state.request).await?;
        if let Some(why) = s3_log::write(&acting, executor, claimed, place, (&logs, &job, &lines)).await? {
            let (bucket, key) = (&place.bucket, &place.key);
            lines.push(container_line(cx.now(), &format!("The log cannot be written to {bucket}/{key}: {why}")));
        }
    }
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
            let had_credentials = role::revoke(tx, claimed.scope.account.as_str(), &job).await?;
            outbox::finish(tx, &claimed).await?;
            Ok::<_, store::Error>(had_credentials)
        })
    });
    if written.await? {
        cx.credentials.forget();
    }
    Ok(())
}
