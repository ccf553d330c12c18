//! StopBuildBatch: asks the builds of a batch to end; the batch is over when they are. Stopping a batch that is over
//! changes nothing.

use base::ApiError;
use engine::build_batch::{BatchInput, BuildBatch};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{AdvanceError, advance};

use super::batch_get_build_batches::find_batch;
use super::batch_view::view;
use super::errors;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub id: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub build_batch: Value,
}

/// Stops a batch.
pub async fn stop_build_batch(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if !input.id.contains(':') {
        return Err(errors::invalid("Invalid build batch ID provided"));
    }
    let scope = cx.scope().clone();
    let state = cx
        .store
        .write(move |tx| {
            let (scope, id) = (scope.clone(), input.id.clone());
            Box::pin(async move {
                let row = find_batch(tx, &scope, &id).await?.ok_or_else(|| errors::batch_not_found(&id))?;
                match advance::<BuildBatch>(tx, &row.id, BatchInput::Stop {}).await {
                    Ok(advanced) => Ok(advanced.state),
                    Err(AdvanceError::Refused(_)) => Ok(row.state),
                    Err(AdvanceError::NotFound) => Err(errors::batch_not_found(&id)),
                    Err(AdvanceError::Store(e)) => Err(e.into()),
                }
            })
        })
        .await?;
    Ok(Output { build_batch: view(&state) })
}
