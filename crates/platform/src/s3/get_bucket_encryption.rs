//! GetBucketEncryption: no bucket has one, since it cannot be set here; the answer says so in AWS's words.
//!
//! Deviation: AWS reports AES256 for every bucket since 2023; we do not encrypt content, so we do not say it.

use base::ApiError;

use super::bucket::{self, For};
use super::errors;
pub use super::shape::{BucketInput as Input, Empty as Output};
use crate::Cx;

pub async fn get_bucket_encryption(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Err(errors::simple(
        "ServerSideEncryptionConfigurationNotFoundError",
        404,
        "The server side encryption configuration was not found",
    )
    .with_member("BucketName", row.name))
}
