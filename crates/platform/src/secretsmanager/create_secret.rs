//! CreateSecret: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>. Doing it again
//! with the same token and value changes nothing.
//!
//! Deviation: values are sealed under the installation's key, so only the default key `aws/secretsmanager` may be named.

use base::{ApiError, Secret};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::secretsmanager_secret::{self, Row};

use super::errors;
use super::find::{self, Tag};
use super::stage::{self, CURRENT};
use super::value::Value;
use crate::Cx;
use crate::transact::transact;

/// Members that are refused by name: there are no replicas in other regions or accounts, and nobody else owns a secret.
pub const UNSUPPORTED: &[&str] = &["AddReplicaRegions", "CrossAccountPrimaryARN", "Type"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub client_request_token: Option<String>,
    pub description: Option<String>,
    pub kms_key_id: Option<String>,
    pub secret_string: Option<Secret<String>>,
    pub secret_binary: Option<Secret<String>>,
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Without replicas there is nothing to overwrite.
    #[serde(default)]
    pub force_overwrite_replica_secret: bool,
    #[serde(flatten)]
    pub others: serde_json::Map<String, serde_json::Value>,
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

pub async fn create_secret(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    cx.room()?;
    if let Some(member) = UNSUPPORTED.iter().find(|m| is_given(input.others.get(**m))) {
        return Err(errors::unsupported(member, "CreateSecret"));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || "-/_+=.@!".contains(c);
    if !input.name.chars().all(legal) {
        let text =
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
        return Err(ApiError::new("ValidationException", text).with_status(400));
    }
    check_key(cx, input.kms_key_id.as_deref())?;
    if input.tags.len() > 50 {
        return Err(errors::too_many_tags());
    }
    transact(cx, input, |tx, cx, input| Box::pin(create(tx, cx, input))).await
}

fn is_given(value: Option<&serde_json::Value>) -> bool {
    value.is_some_and(|v| !v.is_null() && v.as_array().is_none_or(|list| !list.is_empty()))
}

/// The default key under its names; another cannot be used.
pub(super) fn check_key(cx: &Cx, key: Option<&str>) -> Result<(), ApiError> {
    const DEFAULT: &str = "alias/aws/secretsmanager";
    match key {
        None | Some("" | DEFAULT) => Ok(()),
        Some(key) if key == cx.arn("kms", DEFAULT).to_string() => Ok(()),
        Some(key) => Err(errors::parameter(format!(
            "Headworks encrypts secrets under its installation's key, so the key {key} cannot be used: leave KmsKeyId \
             out, or name {DEFAULT}."
        ))),
    }
}

async fn create(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Output, ApiError> {
    let value = Value::of(input.secret_string.as_ref(), input.secret_binary.as_ref())?;
    let (name, token) = (&input.name, input.client_request_token.as_deref());
    if let Some(known) = secretsmanager_secret::get(tx, cx.scope(), name).await? {
        if known.ends.is_some_and(|ends| ends <= cx.now()) {
            secretsmanager_secret::delete(tx, &known.arn).await?;
        } else if known.deleted.is_some() {
            return Err(errors::request(
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        } else {
            return again(tx, cx, &known, token, value).await;
        }
    }
    let suffix = suffix(cx);
    let now = cx.now();
    let row = Row {
        arn: cx.arn("secretsmanager", format!("secret:{name}-{suffix}")).to_string(),
        name: name.clone(),
        description: input.description.clone(),
        kms_key: input.kms_key_id.clone().filter(|key| !key.is_empty()),
        tags: find::tags(&input.tags),
        created: now,
        changed: now,
        accessed: None,
        deleted: None,
        ends: None,
    };
    if !secretsmanager_secret::insert(tx, cx.scope(), &row).await? {
        return Err(exists(name));
    }
    let version_id = match value {
        None => None,
        Some(value) => Some(stage::add(tx, cx, &row.arn, token, &value, &[CURRENT.to_owned()]).await?.id),
    };
    Ok(Output { arn: row.arn, name: row.name, version_id })
}

/// The six characters that an ARN ends with.
pub(super) fn suffix(cx: &Cx) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let pick = |b: u8| ALPHABET.get(usize::from(b) % ALPHABET.len()).copied().unwrap_or(b'A') as char;
    cx.ids.bytes(6).into_iter().map(pick).collect()
}

/// The same request as before gets the same answer.
async fn again(
    tx: &mut Tx,
    cx: &Cx,
    known: &Row,
    token: Option<&str>,
    value: Option<Value>,
) -> Result<Output, ApiError> {
    if let (Some(token), Some(value)) = (token, value) {
        let versions = store::tables::secretsmanager_version::list(tx, &known.arn).await?;
        if let Some(version) = versions.iter().find(|v| v.id == token)
            && Value::open(cx, &known.arn, version)? == value
        {
            return Ok(Output { arn: known.arn.clone(), name: known.name.clone(), version_id: Some(token.to_owned()) });
        }
    }
    Err(exists(&known.name))
}

fn exists(name: &str) -> ApiError {
    let text = format!("The operation failed because the secret {name} already exists.");
    ApiError::new("ResourceExistsException", text)
}
