//! Tags of pipelines.

use base::{ApiError, Arn, Tags};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::codepipeline_pipeline::{self, Row};

/// Tags of one pipeline.
const MAX_TAGS: usize = 50;

/// One tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    pub key: String,
    pub value: String,
}

pub(super) fn to_map(tags: Vec<Tag>) -> Result<Tags, ApiError> {
    if let Some(tag) = tags.iter().find(|t| t.key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(ApiError::new(
            "InvalidTagsException",
            format!("The tag key '{}' is not valid: the prefix aws: is reserved.", tag.key),
        ));
    }
    let count = tags.len();
    let map: Tags = tags.into_iter().map(|t| (t.key, t.value)).collect();
    if map.len() != count {
        return Err(ApiError::new("InvalidTagsException", "The tag keys must be unique."));
    }
    check_count(&map)?;
    Ok(map)
}

pub(super) fn check_count(tags: &Tags) -> Result<(), ApiError> {
    if tags.len() <= MAX_TAGS {
        return Ok(());
    }
    Err(ApiError::new("TooManyTagsException", format!("A pipeline can have at most {MAX_TAGS} tags.")))
}

pub(super) fn to_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// The name of the pipeline that an ARN of the caller's account and region names.
pub(super) fn name_of(cx: &Cx, arn: &str) -> Result<String, ApiError> {
    let invalid = || ApiError::new("InvalidArnException", format!("The resource ARN '{arn}' is not valid."));
    let parsed = Arn::parse(arn).ok_or_else(invalid)?;
    let ours = cx.arn("codepipeline", parsed.resource.as_str());
    if parsed != ours || parsed.resource.contains([':', '/']) {
        return Err(invalid());
    }
    Ok(parsed.resource)
}

pub(super) async fn pipeline(tx: &mut Tx, scope: &base::Scope, name: &str) -> Result<Row, ApiError> {
    codepipeline_pipeline::get(tx, scope, name)
        .await?
        .ok_or_else(|| ApiError::new("ResourceNotFoundException", format!("The pipeline '{name}' does not exist.")))
}
