//! Tags of connections and hosts.

use base::{ApiError, Scope, Tags};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::{codeconnections_connection, codeconnections_host};

use super::arn::Resource;
use super::errors;

/// Tags of one resource.
const MAX_TAGS: usize = 200;

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    pub key: String,
    pub value: String,
}

pub(super) fn to_map(tags: Vec<Tag>) -> Result<Tags, ApiError> {
    if let Some(tag) = tags.iter().find(|t| t.key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(errors::invalid(format!("The tag key '{}' is not valid: the prefix aws: is reserved.", tag.key)));
    }
    let map: Tags = tags.into_iter().map(|t| (t.key, t.value)).collect();
    check_count(&map)?;
    Ok(map)
}

pub(super) fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() <= MAX_TAGS {
        return Ok(());
    }
    Err(errors::limit(format!("A resource can have at most {MAX_TAGS} tags.")))
}

pub(super) fn to_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

impl Resource {
    pub(super) async fn tags(&self, tx: &mut Tx, scope: &Scope, arn: &str) -> Result<Tags, ApiError> {
        let tags = match self {
            Resource::Connection(id) => codeconnections_connection::get(tx, scope, id).await?.map(|row| row.tags),
            Resource::Host(id) => codeconnections_host::get(tx, scope, id).await?.map(|row| row.tags),
        };
        tags.ok_or_else(|| errors::not_found(arn))
    }

    pub(super) async fn set_tags(&self, tx: &mut Tx, scope: &Scope, tags: &Tags) -> Result<(), store::Error> {
        match self {
            Resource::Connection(id) => codeconnections_connection::set_tags(tx, scope, id, tags).await,
            Resource::Host(id) => codeconnections_host::set_tags(tx, scope, id, tags).await,
        }
    }
}
