//! What a connection shows to its git server.
//!
//! Deviation: AWS completes a connection in its console. Here its tag `headworks:secret` names a secret in Secrets Manager
//! (`{"ServerType", "AuthType", "Token", "Username", "WebhookSecret"}`), or is `anonymous`; without it the source credential
//! counts that was imported for servers of its kind. Whoever sets the tag must be allowed to read the secret.

use base::{ApiError, ErrorKind, Secret, Tags};
use platform::Cx;
use platform::iam::{Need, authorize};
use platform::secretsmanager::get_secret_value::{self, get_secret_value};
use serde_json::Value;
use store::Tx;
use store::tables::codebuild_credential;

use super::ConnectionProvider;
use super::errors;
use crate::codebuild::{SourceLogin, source_login};

/// The tag that names the secret.
pub(crate) const SECRET: &str = "headworks:secret";
const ANONYMOUS: &str = "anonymous";

/// Whether there is a login, or none is wanted.
pub(super) async fn is_complete(
    tx: &mut Tx,
    cx: &Cx,
    provider: ConnectionProvider,
    tags: &Tags,
) -> Result<bool, ApiError> {
    match tags.get(SECRET) {
        Some(_) => Ok(true),
        None => Ok(codebuild_credential::get(tx, cx.scope(), provider.server_type()).await?.is_some()),
    }
}

/// Whether the caller may have `tags` on a connection: the secret that they name is there, is one, and is the caller's to read.
pub(super) async fn check(cx: &Cx, provider: ConnectionProvider, tags: &Tags) -> Result<(), ApiError> {
    let Some(secret) = tags.get(SECRET).filter(|value| *value != ANONYMOUS) else { return Ok(()) };
    if base::Arn::parse(secret).is_none() {
        let what = "must be the ARN of a secret in Secrets Manager, or 'anonymous'";
        return Err(errors::invalid(format!("The tag {SECRET} {what}")));
    }
    let read = source_login(cx, provider.server_type(), Some(secret)).await;
    read.map(|_| ()).map_err(|e| match e.kind {
        ErrorKind::Client => errors::invalid(format!("The secret in the tag {SECRET} cannot be used: {}", e.message)),
        ErrorKind::Server => e,
    })
}

/// The login; `None` when none is wanted.
pub(super) async fn login(cx: &Cx, provider: ConnectionProvider, tags: &Tags) -> Result<Option<SourceLogin>, ApiError> {
    let secret = tags.get(SECRET).map(String::as_str);
    if secret == Some(ANONYMOUS) {
        return Ok(None);
    }
    let login = source_login(cx, provider.server_type(), secret).await?;
    let pending = || {
        errors::unavailable(format!(
            "the connection is PENDING: it has no login. Tag it with {SECRET}, or import source credentials for {}",
            provider.server_type()
        ))
    };
    login.ok_or_else(pending).map(Some)
}

/// What deliveries for the connection are signed with: `WebhookSecret` of its secret.
pub(super) async fn webhook_secret(cx: &Cx, tags: &Tags) -> Result<Option<Secret<String>>, ApiError> {
    let Some(arn) = tags.get(SECRET).filter(|value| *value != ANONYMOUS) else { return Ok(None) };
    authorize(cx, &[Need::new("secretsmanager:GetSecretValue", arn)]).await?;
    let input = get_secret_value::Input { secret_id: arn.clone(), version_id: None, version_stage: None };
    let answer = serde_json::to_value(get_secret_value(cx, input).await?).map_err(ApiError::internal)?;
    let text = answer.get("SecretString").and_then(Value::as_str).unwrap_or_default();
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    Ok(value.get("WebhookSecret").and_then(Value::as_str).map(|text| Secret::new(text.to_owned())))
}
