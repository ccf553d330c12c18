//! Which effect of a build or of a sandbox is performed where.

use super::{answer, finish, prepare, run, upload};
use base::{ApiError, Machine};
use devtools::codebuild;
use engine::build::{Build, BuildEffect};
use engine::sandbox::{Sandbox, SandboxEffect};
use executor::ExecutorError;
use futures_util::future::BoxFuture;
use platform::Cx;
use serde::de::DeserializeOwned;
use store::outbox::{self, Claimed};

use crate::{DriverCx, PerformError, Performer};

/// Performs the effects of `engine::build`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildPerformer;

/// Performs the effects of `engine::sandbox`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SandboxPerformer;

impl BuildPerformer {
    async fn effect(driver: &DriverCx, claimed: &Claimed, effect: BuildEffect) -> Result<(), PerformError> {
        let DriverCx { cx, executor, .. } = driver;
        match effect {
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

impl SandboxPerformer {
    async fn effect(driver: &DriverCx, claimed: &Claimed) -> Result<(), PerformError> {
        match read(claimed)? {
            SandboxEffect::Session(effect) => BuildPerformer::effect(driver, claimed, effect).await,
            SandboxEffect::Order { job, order } => {
                match driver.executor.order(&job, &order).await {
                    // The sandbox ends, or has: that is what the command hears.
                    Ok(()) | Err(ExecutorError::UnknownJob(_)) => answer::done(&driver.cx, claimed).await,
                    Err(e) => Err(PerformError::new("order a command", e)),
                }
            }
        }
    }
}

fn read<E: DeserializeOwned>(claimed: &Claimed) -> Result<E, PerformError> {
    serde_json::from_value(claimed.effect.clone()).map_err(|e| PerformError::new("read an effect", e))
}

impl Performer for BuildPerformer {
    fn kind(&self) -> &'static str {
        Build::KIND
    }

    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>> {
        Box::pin(async move { Self::effect(cx, claimed, read(claimed)?).await })
    }
}

impl Performer for SandboxPerformer {
    fn kind(&self) -> &'static str {
        Sandbox::KIND
    }

    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>> {
        Box::pin(Self::effect(cx, claimed))
    }
}
