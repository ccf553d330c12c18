//! GetBucketTagging.

use base::ApiError;
use serde::Serialize;

use super::bucket::{self, For};
use super::errors;
pub use super::shape::BucketInput as Input;
use super::shape::{Tag, tag_set};
use crate::Cx;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub tag_set: Vec<Tag>,
}

pub async fn get_bucket_tagging(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    if row.tags.is_empty() {
        return Err(
            errors::simple("NoSuchTagSet", 404, "The TagSet does not exist").with_member("BucketName", row.name)
        );
    }
    Ok(Output { tag_set: tag_set(&row.tags) })
}
