//! Actions of registered types: a job for whoever polls. Its end comes back as a tell.

use base::{ApiError, ErrorKind};
use devtools::codepipeline::{cancel_jobs, queue_job};
use engine::pipeline::{CancelAction, Execution, ExecutionInput, RunAction};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{Tx, machine};

use super::{answer, failed};
use crate::PerformError;

/// Queues the job in the transaction that takes the effect out of the outbox.
pub(super) async fn begin(cx: &Cx, claimed: &Claimed, run: RunAction) -> Result<(), PerformError> {
    let claimed = claimed.clone();
    let begun = cx.store.write(move |tx| {
        let (claimed, run) = (claimed.clone(), run.clone());
        Box::pin(async move { begin_in(tx, &claimed, run).await })
    });
    begun.await.map_err(|e: ApiError| PerformError::new("queue the job of an action", e))
}

async fn begin_in(tx: &mut Tx, claimed: &Claimed, run: RunAction) -> Result<(), ApiError> {
    // Who stops it meanwhile takes the job back, and must find it.
    let row = machine::get_locked::<Execution>(tx, &claimed.machine_id).await?;
    if let Some(row) = row.filter(|row| row.state.wants(&claimed.key)) {
        let queued = queue_job(tx, &row.scope, &claimed.key, run, &row.state).await;
        match queued {
            Ok(()) => {}
            Err(e) if e.kind == ErrorKind::Client => {
                let result = failed("ConfigurationError", e.message);
                let input = ExecutionInput::ActionFinished { key: claimed.key.clone(), result };
                answer::step(tx, &claimed.machine_id, input).await?;
            }
            Err(e) => return Err(e),
        }
    }
    outbox::finish(tx, claimed).await?;
    Ok(())
}

/// Takes back the job of an action whose result nobody wants any more.
pub(super) async fn cancel(cx: &Cx, claimed: &Claimed, cancel: &CancelAction) -> Result<(), PerformError> {
    cancel_jobs(cx, &cancel.key).await.map_err(|e| PerformError::new("take back the job of an action", e))?;
    answer::done(cx, claimed).await
}
