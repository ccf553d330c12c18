//! Secrets as DescribeSecret and ListSecrets show them.

use std::collections::BTreeMap;

use base::{ApiError, Timestamp};
use serde::Serialize;
use store::Tx;
use store::tables::secretsmanager_secret::Row;
use store::tables::secretsmanager_version;

use super::find::Tag;

/// What both operations tell of a secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Described {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    pub last_changed_date: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_accessed_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_date: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    pub created_date: Timestamp,
}

/// The stages of each version that has any.
pub type Stages = BTreeMap<String, Vec<String>>;

pub(super) async fn stages(tx: &mut Tx, secret: &str) -> Result<Stages, ApiError> {
    let versions = secretsmanager_version::list(tx, secret).await?;
    Ok(versions.into_iter().filter(|v| !v.stages.is_empty()).map(|v| (v.id, v.stages)).collect())
}

pub(super) fn describe(row: Row) -> Described {
    Described {
        arn: row.arn,
        name: row.name,
        description: row.description,
        kms_key_id: row.kms_key,
        last_changed_date: row.changed,
        last_accessed_date: row.accessed,
        deleted_date: row.deleted,
        tags: row.tags.into_iter().map(|(key, value)| Tag { key, value: Some(value) }).collect(),
        created_date: row.created,
    }
}
