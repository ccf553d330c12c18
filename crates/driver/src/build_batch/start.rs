//! Starts and stops the builds of a batch.

use base::{ApiError, ErrorKind};
use devtools::codebuild::{batch_lock, start_for_batch};
use engine::build::{Build, BuildInput};
use engine::build_batch::{BatchInput, RunningBuild};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{AdvanceError, Tx, advance};

use super::answer;
use crate::PerformError;

/// Makes the build in the transaction that takes the effect out of the outbox.
pub(super) async fn start_build(cx: &Cx, claimed: &Claimed) -> Result<(), PerformError> {
    let (inner, taken) = (cx.clone(), claimed.clone());
    let begun = cx.store.write(move |tx| {
        let (cx, claimed) = (inner.clone(), taken.clone());
        Box::pin(async move {
            start_for_batch(tx, &cx, &claimed.machine_id, &claimed.key).await?;
            Ok::<_, ApiError>(outbox::finish(tx, &claimed).await?)
        })
    });
    match begun.await {
        Ok(()) => Ok(()),
        Err(e) if e.kind == ErrorKind::Client => {
            let message = format!("{} ({})", e.message, e.code);
            answer::result(cx, claimed, BatchInput::BuildNotStarted { key: claimed.key.clone(), message }).await
        }
        Err(e) => Err(PerformError::new("start a build of a batch", e)),
    }
}

/// A transaction for each build: hundreds of them must not hold up everybody else.
pub(super) async fn stop_builds(cx: &Cx, claimed: &Claimed, builds: Vec<RunningBuild>) -> Result<(), PerformError> {
    for build in builds {
        let batch = claimed.machine_id.clone();
        let stopped = cx.store.write(move |tx| {
            let (batch, build) = (batch.clone(), build.clone());
            Box::pin(async move { stop_one(tx, &batch, build).await })
        });
        stopped.await.map_err(|e: ApiError| PerformError::new("stop a build of a batch", e))?;
    }
    let claimed = claimed.clone();
    let done = cx.store.write(move |tx| {
        let claimed = claimed.clone();
        Box::pin(async move { outbox::finish(tx, &claimed).await })
    });
    Ok(done.await?)
}

async fn stop_one(tx: &mut Tx, batch: &str, build: RunningBuild) -> Result<(), ApiError> {
    batch_lock(tx, batch).await?;
    match advance::<Build>(tx, &build.build, BuildInput::Stop {}).await {
        // A build that is over has told so.
        Ok(_) | Err(AdvanceError::Refused(_)) => Ok(()),
        Err(AdvanceError::NotFound) => {
            let message = "the batch was stopped".to_owned();
            Ok(answer::step(tx, batch, BatchInput::BuildNotStarted { key: build.key, message }).await?)
        }
        Err(AdvanceError::Store(e)) => Err(e.into()),
    }
}
