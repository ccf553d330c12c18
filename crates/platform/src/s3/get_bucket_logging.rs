//! GetBucketLogging: access is not logged to a bucket.

use base::ApiError;

use super::bucket::{self, For};
pub use super::shape::{BucketInput as Input, Empty as Output};
use crate::Cx;

pub async fn get_bucket_logging(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Ok(Output {})
}
