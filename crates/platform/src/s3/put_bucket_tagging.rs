//! PutBucketTagging: replaces all tags; 50 at most.

use base::{ApiError, Tags};
use serde::Deserialize;
use store::tables::s3_bucket;

use super::bucket::{self, For};
pub use super::shape::Empty as Output;
use super::shape::{Tagging, checked_tags};
use crate::Cx;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub tagging: Tagging,
    pub expected_bucket_owner: Option<String>,
}

pub async fn put_bucket_tagging(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let tags = checked_tags(input.tagging.tag_set, 50, "Bucket")?;
    replace(cx, input.bucket, input.expected_bucket_owner, tags).await
}

/// Sets the tags of a bucket.
pub(super) async fn replace(cx: &Cx, name: String, owner: Option<String>, tags: Tags) -> Result<Output, ApiError> {
    let inner = cx.clone();
    cx.store
        .write(move |tx| {
            let (cx, name, owner, tags) = (inner.clone(), name.clone(), owner.clone(), tags.clone());
            Box::pin(async move {
                let row = bucket::load(tx, &cx, &name, owner.as_deref(), For::Changing).await?;
                s3_bucket::set_tags(tx, &row.name, &tags).await?;
                Ok::<_, ApiError>(Output {})
            })
        })
        .await
}
