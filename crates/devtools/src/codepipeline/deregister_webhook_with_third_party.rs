//! DeregisterWebhookWithThirdParty: ends the registration of a webhook at the git server. This server registers none
//! (`register_webhook_with_third_party`), so a webhook that exists is not registered already.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DeregisterWebhookWithThirdParty.html>

use base::ApiError;
use platform::Cx;

use super::register_webhook_with_third_party::exists;
pub use super::register_webhook_with_third_party::{Input, Output};

/// Leaves the webhook unregistered.
pub async fn deregister_webhook_with_third_party(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    exists(cx, input.webhook_name).await?;
    Ok(Output {})
}
