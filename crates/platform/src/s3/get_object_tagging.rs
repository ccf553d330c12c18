//! GetObjectTagging: the tags of the current version or of a named one.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::bucket::{self, For};
use super::lookup;
use super::shape::{Tag, tag_set};
use crate::Cx;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    pub tag_set: Vec<Tag>,
}

pub async fn get_object_tagging(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let owner = input.expected_bucket_owner.as_deref();
    let bucket = bucket::load(&mut tx, cx, &input.bucket, owner, For::Reading).await?;
    let row = lookup::find(&mut tx, &bucket, &input.key, input.version_id.as_deref()).await?;
    Ok(Output { version_id: lookup::shown(&bucket, &row), tag_set: tag_set(&row.tags) })
}
