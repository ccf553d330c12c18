//! GetBucketPolicy: no bucket has one, since it cannot be set here; the answer says so in AWS's words.

use base::ApiError;

use super::bucket::{self, For};
use super::errors;
pub use super::shape::{BucketInput as Input, Empty as Output};
use crate::Cx;

pub async fn get_bucket_policy(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Err(errors::simple("NoSuchBucketPolicy", 404, "The bucket policy does not exist")
        .with_member("BucketName", row.name))
}
