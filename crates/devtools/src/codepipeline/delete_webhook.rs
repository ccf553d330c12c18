//! DeleteWebhook: removes a webhook; its URL starts nothing any more. Deleting what is not there succeeds.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DeleteWebhook.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_webhook;

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub name: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Deletes a webhook.
pub async fn delete_webhook(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let delete = cx.store.write(move |tx| {
        let (scope, name) = (scope.clone(), input.name.clone());
        Box::pin(async move { codepipeline_webhook::delete(tx, &scope, &name).await })
    });
    delete.await?;
    Ok(Output {})
}
