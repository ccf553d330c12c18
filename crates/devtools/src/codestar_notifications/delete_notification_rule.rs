//! DeleteNotificationRule: deletes a rule with its subscriptions. Its targets stay, and notices that wait for it are dropped.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_DeleteNotificationRule.html>
//!
//! The model has no error for a rule that is not there: deleting it again succeeds.
//! An ARN of another account or region is refused: nothing of it is here to be deleted.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_rule as rules;

use super::arn;
use super::lock::lock;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub arn: String,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub arn: String,
}

/// Deletes a rule.
pub async fn delete_notification_rule(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let id = arn::own_rule(&scope, &input.arn)?;
    let delete = cx.store.write(move |tx| {
        let (scope, id) = (scope.clone(), id.clone());
        Box::pin(async move {
            lock(tx, &scope).await?;
            rules::delete(tx, &scope, &id).await
        })
    });
    delete.await?;
    Ok(Output { arn: input.arn })
}
