//! DeleteWebhook: its URL answers no more.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_webhook;

use super::errors;
use super::project::name_of;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub project_name: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {}

/// Deletes a webhook.
pub async fn delete_webhook(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, name) = (cx.scope().clone(), name_of(cx.scope(), &input.project_name).to_owned());
    cx.store
        .write(move |tx| {
            let (scope, name) = (scope.clone(), name.clone());
            Box::pin(async move {
                if codebuild_webhook::of_project(tx, &scope, &name).await?.is_none() {
                    return Err(errors::webhook_not_found(&name));
                }
                Ok(codebuild_webhook::delete(tx, &scope, &name).await?)
            })
        })
        .await?;
    Ok(Output {})
}
