//! Results on their way back to the batch.

use engine::build_batch::{BatchInput, BuildBatch};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{AdvanceError, Tx, advance};

use crate::PerformError;

/// Tells the batch the effect's result and takes the effect out of the outbox, in one transaction.
pub(super) async fn result(cx: &Cx, claimed: &Claimed, input: BatchInput) -> Result<(), PerformError> {
    let claimed = claimed.clone();
    let told = cx.store.write(move |tx| {
        let (claimed, input) = (claimed.clone(), input.clone());
        Box::pin(async move {
            step(tx, &claimed.machine_id, input).await?;
            outbox::finish(tx, &claimed).await
        })
    });
    Ok(told.await?)
}

/// One step; a refusal (of what came too late) is no error.
pub(crate) async fn step(tx: &mut Tx, id: &str, input: BatchInput) -> Result<(), store::Error> {
    match advance::<BuildBatch>(tx, id, input).await {
        Ok(_) | Err(AdvanceError::NotFound) => Ok(()),
        Err(AdvanceError::Refused(refusal)) => {
            tracing::warn!(batch.id = id, %refusal, "a batch refused a result");
            Ok(())
        }
        Err(AdvanceError::Store(e)) => Err(e),
    }
}
