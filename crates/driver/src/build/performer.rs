//! Which effect of a build is performed where.

use super::{answer, finish, prepare, run, upload};
use base::Machine;
use engine::build::{Build, BuildEffect};
use executor::ExecutorError;
use futures_util::future::BoxFuture;
use store::outbox::Claimed;

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
            BuildEffect::Finish { job, work_dir, logs, lines, log_object } => {
                finish::finish(cx, executor, claimed, finish::Rest { job, work_dir, logs, lines, log_object }).await
            }
        }
    }
}

impl Performer for BuildPerformer {
    fn kind(&self) -> &'static str {
        Build::KIND
    }

    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>> {
        Box::pin(self.effect(cx, claimed))
    }
}
