//! Results on their way back to the execution.

use std::time::Duration;

use engine::pipeline::{ActionResult, Execution, ExecutionInput};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{AdvanceError, Tx, advance};

use crate::PerformError;

/// Tells the execution an action's result and takes the effect out of the outbox, in one transaction.
pub(super) async fn finished(cx: &Cx, claimed: &Claimed, result: ActionResult) -> Result<(), PerformError> {
    let claimed = claimed.clone();
    let told = cx.store.write(move |tx| {
        let (claimed, result) = (claimed.clone(), result.clone());
        Box::pin(async move {
            let input = ExecutionInput::ActionFinished { key: claimed.key.clone(), result };
            step(tx, &claimed.machine_id, input).await?;
            outbox::finish(tx, &claimed).await
        })
    });
    Ok(told.await?)
}

/// Takes an effect that has no result out of the outbox.
pub(super) async fn done(cx: &Cx, claimed: &Claimed) -> Result<(), PerformError> {
    let claimed = claimed.clone();
    let done = cx.store.write(move |tx| {
        let claimed = claimed.clone();
        Box::pin(async move { outbox::finish(tx, &claimed).await })
    });
    Ok(done.await?)
}

/// Gives an effect back that cannot be performed yet, to be tried again after `delay`.
pub(super) async fn later(cx: &Cx, claimed: &Claimed, delay: Duration) -> Result<(), PerformError> {
    let claimed = claimed.clone();
    let given_back = cx.store.write(move |tx| {
        let claimed = claimed.clone();
        Box::pin(async move { outbox::retry_later(tx, &claimed, delay).await })
    });
    Ok(given_back.await?)
}

/// One step. What comes too late is refused, and that is no error.
pub(super) async fn step(tx: &mut Tx, id: &str, input: ExecutionInput) -> Result<(), store::Error> {
    match advance::<Execution>(tx, id, input).await {
        Ok(_) | Err(AdvanceError::NotFound) => Ok(()),
        Err(AdvanceError::Refused(refusal)) => {
            tracing::info!(execution.id = id, %refusal, "an execution refused a result");
            Ok(())
        }
        Err(AdvanceError::Store(e)) => Err(e),
    }
}
