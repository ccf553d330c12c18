//! GetBucketReplication: no bucket has one, since it cannot be set here; the answer says so in AWS's words.

use base::ApiError;

use super::bucket::{self, For};
use super::errors;
pub use super::shape::{BucketInput as Input, Empty as Output};
use crate::Cx;

pub async fn get_bucket_replication(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Err(errors::simple("ReplicationConfigurationNotFoundError", 404, "The replication configuration was not found")
        .with_member("BucketName", row.name))
}
