//! Unsubscribe: has a rule tell a target no more. The target stays.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_Unsubscribe.html>
//!
//! The model has no error for a rule or a target that is not there: then there is nothing to do.
//! An ARN of another account or region is refused.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_target as targets;

use super::arn;
use super::lock::lock;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub arn: String,
    pub target_address: String,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub arn: String,
}

/// Unsubscribes a target from a rule.
pub async fn unsubscribe(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let id = arn::own_rule(&scope, &input.arn)?;
    let address = input.target_address;
    let unsubscribe = cx.store.write(move |tx| {
        let (scope, id, address) = (scope.clone(), id.clone(), address.clone());
        Box::pin(async move {
            lock(tx, &scope).await?;
            targets::unsubscribe(tx, &scope, &id, &address).await
        })
    });
    unsubscribe.await?;
    Ok(Output { arn: input.arn })
}
