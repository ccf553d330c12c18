//! DeleteTarget: deletes a target. One that rules still tell is refused, unless it is to be unsubscribed from all of them.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_DeleteTarget.html>
//!
//! The model has no error for a target that is not there: deleting it again succeeds.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_target as targets;

use super::errors;
use super::lock::lock;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub target_address: String,
    #[serde(default)]
    pub force_unsubscribe_all: bool,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Deletes a target.
pub async fn delete_target(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let delete = cx.store.write(move |tx| {
        let (scope, address, force) = (scope.clone(), input.target_address.clone(), input.force_unsubscribe_all);
        Box::pin(async move {
            lock(tx, &scope).await?;
            if !force && targets::is_subscribed(tx, &scope, &address).await? {
                let message = format!(
                    "The target {address} is subscribed to notification rules; unsubscribe it, or set ForceUnsubscribeAll"
                );
                return Err(errors::invalid(message));
            }
            Ok::<_, ApiError>(targets::delete(tx, &scope, &address).await?)
        })
    });
    delete.await?;
    Ok(Output {})
}
