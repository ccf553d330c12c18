//! DeleteBucketTagging.

use base::{ApiError, Tags};

use super::put_bucket_tagging::replace;
pub use super::shape::{BucketInput as Input, Empty as Output};
use crate::Cx;

pub async fn delete_bucket_tagging(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    replace(cx, input.bucket, input.expected_bucket_owner, Tags::new()).await
}
