//! RegisterWebhookWithThirdParty: AWS adds the webhook at GitHub with the token of the target action. This server calls no
//! git server: the request is refused with what to do instead.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RegisterWebhookWithThirdParty.html>
//!
//! Deviation: nothing is registered at the git server; the webhook's URL and secret go into its settings by hand.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_webhook;

use super::errors;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    #[serde(default)]
    pub webhook_name: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Refuses, and says what to do instead.
pub async fn register_webhook_with_third_party(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = exists(cx, input.webhook_name).await?;
    Err(errors::validation(format!(
        "This server registers no webhooks at git servers. Add one in the settings of the repository, with the URL that \
         ListWebhooks shows for '{name}' and its secret token"
    )))
}

/// The name of the webhook that a request is about.
pub(super) async fn exists(cx: &Cx, name: Option<String>) -> Result<String, ApiError> {
    let name = name.ok_or_else(|| errors::validation("A webhook name is required"))?;
    let mut tx = cx.store.read().await?;
    match codepipeline_webhook::get(&mut tx, cx.scope(), &name).await? {
        Some(_) => Ok(name),
        None => Err(errors::webhook_not_found(cx.scope(), &name)),
    }
}
