//! PutSecretValue: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>. A new
//! version, the current one unless `VersionStages` say otherwise. Doing it again with the same token and value changes
//! nothing.

use base::{ApiError, Secret};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::secretsmanager_secret;

use super::stage::{self, CURRENT};
use super::value::Value;
use super::{errors, find};
use crate::Cx;
use crate::transact::transact;

/// A member that is refused by name: there is no rotation that it could be of.
pub const UNSUPPORTED: &[&str] = &["RotationToken"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
    pub client_request_token: Option<String>,
    pub secret_string: Option<Secret<String>>,
    pub secret_binary: Option<Secret<String>>,
    pub version_stages: Option<Vec<String>>,
    pub rotation_token: Option<Secret<String>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    pub version_id: String,
    pub version_stages: Vec<String>,
}

pub async fn put_secret_value(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    cx.room()?;
    if input.rotation_token.is_some() {
        return Err(errors::unsupported("RotationToken", "PutSecretValue"));
    }
    transact(cx, input, |tx, cx, input| Box::pin(put(tx, cx, input))).await
}

async fn put(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Output, ApiError> {
    let value = Value::of(input.secret_string.as_ref(), input.secret_binary.as_ref())?;
    let value = value.ok_or_else(|| errors::request("You must provide either SecretString or SecretBinary."))?;
    let mut secret = find::live(tx, cx, &input.secret_id).await?;
    let current = [CURRENT.to_owned()];
    let stages = input.version_stages.as_deref().unwrap_or(&current);
    let added = stage::add(tx, cx, &secret.arn, input.client_request_token.as_deref(), &value, stages).await?;
    secret.changed = cx.now();
    secretsmanager_secret::update(tx, &secret).await?;
    Ok(Output { arn: secret.arn, name: secret.name, version_id: added.id, version_stages: added.stages })
}
