//! Finding secrets by what requests call them.

use base::{ApiError, Arn, Tags};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::secretsmanager_secret::{self, Row};
use store::tables::secretsmanager_version;

use super::errors;
use crate::Cx;

/// An operation without output members.
#[derive(Debug, Default, Serialize)]
pub struct Nothing {}

/// A tag as requests and answers have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    pub key: String,
    pub value: Option<String>,
}

/// Tags as they are kept.
pub(super) fn tags(tags: &[Tag]) -> Tags {
    tags.iter().map(|t| (t.key.clone(), t.value.clone().unwrap_or_default())).collect()
}

/// The secret of a name, a whole ARN, or an ARN without its last six characters; deleted ones are found as long as they
/// can be restored.
pub(super) async fn any(tx: &mut Tx, cx: &Cx, id: &str) -> Result<Row, ApiError> {
    let found = lookup(tx, cx, id).await?;
    found.filter(|row| row.ends.is_none_or(|ends| ends > cx.now())).ok_or_else(errors::no_secret)
}

async fn lookup(tx: &mut Tx, cx: &Cx, id: &str) -> Result<Option<Row>, ApiError> {
    let Some(arn) = Arn::parse(id).filter(|arn| arn.service == "secretsmanager") else {
        return Ok(secretsmanager_secret::get(tx, cx.scope(), id).await?);
    };
    if arn.account != cx.scope().account.as_str() || arn.region != cx.scope().region.as_str() {
        return Ok(None);
    }
    if let Some(row) = secretsmanager_secret::get_by_arn(tx, cx.scope(), id).await? {
        return Ok(Some(row));
    }
    let Some(name) = arn.resource.strip_prefix("secret:") else { return Ok(None) };
    Ok(secretsmanager_secret::get(tx, cx.scope(), name).await?)
}

/// The whole ARN of a secret, from a part of it or from all of it; policies name secrets by it.
pub(crate) async fn whole_arn(tx: &mut Tx, cx: &Cx, id: &str) -> Result<Option<String>, ApiError> {
    Ok(lookup(tx, cx, id).await?.map(|row| row.arn))
}

/// The same, but refused when it was deleted.
pub(super) async fn live(tx: &mut Tx, cx: &Cx, id: &str) -> Result<Row, ApiError> {
    let row = any(tx, cx, id).await?;
    if row.deleted.is_some() { Err(errors::deleted()) } else { Ok(row) }
}

/// The version that a request names: by id, by stage, by both, or (by neither) the current one.
pub(super) async fn version(
    tx: &mut Tx,
    secret: &Row,
    id: Option<&str>,
    stage: Option<&str>,
) -> Result<secretsmanager_version::Row, ApiError> {
    let versions = secretsmanager_version::list(tx, &secret.arn).await?;
    let Some(id) = id else {
        let stage = stage.unwrap_or("AWSCURRENT");
        let found = versions.into_iter().find(|v| v.stages.iter().any(|s| s == stage));
        return found.ok_or_else(|| errors::no_value(&format!("staging label: {stage}")));
    };
    let found = versions.into_iter().find(|v| v.id == id);
    let found = found.ok_or_else(|| errors::no_value(&format!("VersionId: {id}")))?;
    match stage {
        Some(stage) if !found.stages.iter().any(|s| s == stage) => {
            Err(errors::request("You provided a VersionStage that is not associated to the provided VersionId."))
        }
        Some(_) | None => Ok(found),
    }
}
