//! RetryBuildBatch: the same batch goes on with what has not succeeded, or with everything. Only a batch that is over
//! and has not succeeded can be retried, and not one that a pipeline waited for.

use base::ApiError;
use engine::build_batch::{BatchInput, BuildBatch};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::tables::codebuild_token;
use store::{AdvanceError, advance};

use super::batch_get_build_batches::find_batch;
use super::batch_view::view;
use super::begin::used_for;
use super::errors;
use super::start_build::token;

/// The request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub id: Option<String>,
    pub idempotency_token: Option<String>,
    pub retry_type: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub build_batch: Value,
}

/// Retries a batch.
pub async fn retry_build_batch(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let id = input.id.clone().unwrap_or_default();
    if !id.contains(':') {
        return Err(errors::invalid("Invalid build batch ID provided"));
    }
    cx.room()?;
    let token = token(input.idempotency_token.as_deref(), &input)?;
    // The service's default is what its console does: everything.
    let all = input.retry_type.as_deref() != Some("RETRY_FAILED_BUILDS");
    let scope = cx.scope().clone();
    let state = cx
        .store
        .write(move |tx| {
            let (scope, id, token) = (scope.clone(), id.clone(), token.clone());
            Box::pin(async move {
                let row = find_batch(tx, &scope, &id).await?.ok_or_else(|| errors::batch_not_found(&id))?;
                if let Some(token) = &token {
                    if used_for(tx, &scope, token).await?.is_some() {
                        return Ok(row.state);
                    }
                    codebuild_token::put(tx, &scope, &token.token, &token.request, &row.id).await?;
                }
                if row.state.request.parent.is_some() {
                    return Err(errors::invalid(format!(
                        "Build batch {id} belongs to a pipeline execution; retry the stage instead"
                    )));
                }
                match advance::<BuildBatch>(tx, &row.id, BatchInput::Retry { all }).await {
                    Ok(advanced) => Ok(advanced.state),
                    Err(AdvanceError::Refused(refusal)) => {
                        Err(errors::invalid(format!("Build batch {id} cannot be retried: {refusal}")))
                    }
                    Err(AdvanceError::NotFound) => Err(errors::batch_not_found(&id)),
                    Err(AdvanceError::Store(e)) => Err(e.into()),
                }
            })
        })
        .await?;
    Ok(Output { build_batch: view(&state) })
}
