//! Tags as the API has them.

use base::{ApiError, Tags};
use serde::{Deserialize, Serialize};

use super::errors;

const MOST: usize = 50;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    pub key: String,
    pub value: String,
}

pub(super) fn all(tags: Tags) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key, value }).collect()
}

/// Adds tags, or changes their values.
pub(super) fn add(tags: &mut Tags, more: &[Tag]) -> Result<(), ApiError> {
    tags.extend(more.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
    if tags.len() > MOST { Err(errors::too_many_tags()) } else { Ok(()) }
}
