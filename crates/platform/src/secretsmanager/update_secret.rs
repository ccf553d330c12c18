//! UpdateSecret: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html>. Changes the
//! description; with a value, adds a version that becomes the current one.

use base::{ApiError, Secret};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::secretsmanager_secret;

use super::create_secret::check_key;
use super::stage::{self, CURRENT};
use super::value::Value;
use super::{errors, find};
use crate::Cx;
use crate::transact::transact;

/// A member that is refused by name: no partner's secrets are rotated here.
pub const UNSUPPORTED: &[&str] = &["Type"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
    pub client_request_token: Option<String>,
    pub description: Option<String>,
    pub kms_key_id: Option<String>,
    pub secret_string: Option<Secret<String>>,
    pub secret_binary: Option<Secret<String>>,
    pub r#type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

pub async fn update_secret(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    cx.room()?;
    if input.r#type.is_some() {
        return Err(errors::unsupported("Type", "UpdateSecret"));
    }
    check_key(cx, input.kms_key_id.as_deref())?;
    transact(cx, input, |tx, cx, input| Box::pin(update(tx, cx, input))).await
}

async fn update(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Output, ApiError> {
    let value = Value::of(input.secret_string.as_ref(), input.secret_binary.as_ref())?;
    let mut secret = find::live(tx, cx, &input.secret_id).await?;
    let token = input.client_request_token.as_deref();
    let version_id = match value {
        None => None,
        Some(value) => Some(stage::add(tx, cx, &secret.arn, token, &value, &[CURRENT.to_owned()]).await?.id),
    };
    secret.changed = cx.now();
    if let Some(description) = &input.description {
        secret.description = Some(description.clone()).filter(|d| !d.is_empty());
    }
    if let Some(key) = &input.kms_key_id {
        secret.kms_key = Some(key.clone()).filter(|key| !key.is_empty());
    }
    secretsmanager_secret::update(tx, &secret).await?;
    Ok(Output { arn: secret.arn, name: secret.name, version_id })
}
