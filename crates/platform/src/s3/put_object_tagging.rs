//! PutObjectTagging: replaces the tags of the current version or of a named one; 10 at most.

use base::{ApiError, Tags};
use serde::{Deserialize, Serialize};
use store::tables::s3_version;

use super::bucket::{self, For};
use super::lookup;
use super::shape::{Tagging, checked_tags};
use crate::Cx;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub tagging: Tagging,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

pub async fn put_object_tagging(cx: &Cx, mut input: Input) -> Result<Output, ApiError> {
    let tags = checked_tags(std::mem::take(&mut input.tagging.tag_set), 10, "Object")?;
    replace(cx, input, tags).await
}

/// Sets the tags of a version.
pub(super) async fn replace(cx: &Cx, input: Input, tags: Tags) -> Result<Output, ApiError> {
    let inner = cx.clone();
    cx.store
        .write(move |tx| {
            let (cx, input, tags) = (inner.clone(), input.clone(), tags.clone());
            Box::pin(async move {
                let owner = input.expected_bucket_owner.as_deref();
                let bucket = bucket::load(tx, &cx, &input.bucket, owner, For::Writing).await?;
                s3_version::lock(tx, &bucket.name, &input.key).await?;
                let row = lookup::find(tx, &bucket, &input.key, input.version_id.as_deref()).await?;
                s3_version::set_tags(tx, &row, &tags).await?;
                Ok::<_, ApiError>(Output { version_id: lookup::shown(&bucket, &row) })
            })
        })
        .await
}
