//! The queue of builds that a limit concerns.

use base::{ApiError, Scope};
use engine::build::Request;
use engine::build_queue::{BuildQueue, QueueInput, QueueState, queue_id};
use store::machine::{self, NewMachine};
use store::tables::codebuild_fleet;
use store::{AdvanceError, Tx, advance};

use super::errors::invalid;
use super::fleet;

/// Looks up what the build's fleet holds, and makes the queue when this is the first build that needs it.
pub(super) async fn settle(tx: &mut Tx, request: &mut Request) -> Result<(), ApiError> {
    let scope = request.scope.clone();
    if let Some(limit) = &mut request.limited_by.fleet {
        let row = codebuild_fleet::by_arn(tx, &scope, &limit.arn).await?;
        let row = row.ok_or_else(|| invalid(format!("Invalid fleet: {} does not exist", limit.arn)))?;
        limit.slots = fleet::parse(&row)?.slots();
    }
    if request.limited_by.is_none() {
        return Ok(());
    }
    let id = queue_id(&scope);
    if machine::get::<BuildQueue>(tx, &id).await?.is_some() {
        return Ok(());
    }
    tx.lock(&format!("codebuild-queue:{id}")).await?;
    if machine::get::<BuildQueue>(tx, &id).await?.is_none() {
        let state = QueueState::default();
        machine::create::<BuildQueue>(tx, NewMachine { id, scope, parent: String::new(), state }).await?;
    }
    Ok(())
}

/// Tells the queue of a scope that a limit has changed; without a queue nobody waits.
pub(super) async fn tell(tx: &mut Tx, scope: &Scope, input: QueueInput) -> Result<(), ApiError> {
    match advance::<BuildQueue>(tx, &queue_id(scope), input).await {
        Ok(_) | Err(AdvanceError::NotFound) => Ok(()),
        Err(AdvanceError::Refused(refusal)) => match refusal {},
        Err(AdvanceError::Store(e)) => Err(e.into()),
    }
}
