//! A build of a batch: the batch's template with the changes of its group.

use base::ApiError;
use engine::build::Build;
use engine::build_batch::{BuildBatch, child};
use platform::Cx;
use store::{Tx, machine};

use super::begin::begin;
use super::check;

/// Keeps starting and stopping the builds of one batch apart: whoever stops must see what was started.
pub async fn batch_lock(tx: &mut Tx, batch: &str) -> Result<(), ApiError> {
    Ok(tx.lock(&format!("codebuild-batch:{batch}")).await?)
}

/// Starts the build that batch `batch` asked for under `key`, in `tx`, unless it does not want it any more or has it
/// already. An error of the client's is why the build cannot be.
pub async fn start_for_batch(tx: &mut Tx, cx: &Cx, batch: &str, key: &str) -> Result<(), ApiError> {
    batch_lock(tx, batch).await?;
    let Some(row) = machine::get::<BuildBatch>(tx, batch).await? else { return Ok(()) };
    let Some(group) = row.state.wanted(key) else { return Ok(()) };
    let Some(request) = child(&row.state, group) else { return Ok(()) };
    if machine::get::<Build>(tx, &request.id).await?.is_some() {
        return Ok(());
    }
    cx.room()?;
    check::environment_of(&request.environment_type, &request.compute_type)?;
    for variable in &request.variables {
        check::variable_name(&variable.name)?;
    }
    begin(tx, request, None).await.map(|_| ())
}
