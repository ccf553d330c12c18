//! Which effect of a build is performed where.

use super::{answer, finish, prepare, run, upload};
use base::{ApiError, Machine};
use devtools::codebuild;
use engine::build::{Build, BuildEffect};
use executor::ExecutorError;
use futures_util::future::BoxFuture;
use platform::Cx;
use store::outbox::{self, Claimed};

use crate::{DriverCx, PerformError, Performer};

/// Performs the effects of `engine::build`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildPerformer;

impl BuildPerformer {
    async fn effect(&self, driver: &DriverCx, claimed: &Claimed) -> Result<(), PerformError> {
        let DriverCx { cx, executor, .. } = driver;
        let effect = serde_json::from_value(claimed.effect.clone());
        match effect.map_err(|e| PerformError::new("read a build's effect", e))? {
            BuildEffect::Prepare { request } => prepare::prepare(cx, executor, claimed, &request).await,
            BuildEffect::Run { job, logs, preamble, cache } => {
                let job = run::Job { spec: &job, logs: &logs, preamble: &preamble, cache: cache.as_deref() };
                run::run(driver, claimed, job).await
            }
            BuildEffect::Cancel { job } => {
                match executor.cancel(&job).await {
                    // What never began is answered by whoever is asked to run it.
                    Ok(()) | Err(ExecutorError::UnknownJob(_)) => answer::done(cx, claimed).await,
                    Err(e) => Err(PerformError::new("cancel a build's job", e)),
                }
            }
            BuildEffect::Upload { source_dir, build_arn, sets, results } => {
                let wanted =
                    upload::Wanted { source_dir: &source_dir, build_arn: &build_arn, sets: &sets, results: &results };
                upload::upload(cx, claimed, wanted).await
            }
            BuildEffect::AutoRetry { uuid } => auto_retry(cx, claimed, uuid).await,
            BuildEffect::Finish { job, work_dir, logs, lines, log_object } => {
                finish::finish(cx, executor, claimed, finish::Rest { job, work_dir, logs, lines, log_object }).await
            }
        }
    }
}

async fn auto_retry(cx: &Cx, claimed: &Claimed, uuid: String) -> Result<(), PerformError> {
    let (inner, claimed) = (cx.clone(), claimed.clone());
    let begun = cx.store.write(move |tx| {
        let (cx, claimed, uuid) = (inner.clone(), claimed.clone(), uuid.clone());
        Box::pin(async move {
            codebuild::auto_retry(tx, &cx, &claimed.machine_id, &uuid).await?;
            Ok::<_, ApiError>(outbox::finish(tx, &claimed).await?)
        })
    });
    begun.await.map_err(|e| PerformError::new("start a build again", e))
}

impl Performer for BuildPerformer {
    fn kind(&self) -> &'static str {
        Build::KIND
    }

    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>> {
        Box::pin(self.effect(cx, claimed))
    }
}
