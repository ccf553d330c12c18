//! DeleteObjectTagging.

use base::{ApiError, Tags};

pub use super::get_object_tagging::Input;
pub use super::put_object_tagging::Output;
use super::put_object_tagging::{self, replace};
use crate::Cx;

pub async fn delete_object_tagging(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let Input { bucket, key, version_id, expected_bucket_owner } = input;
    let input = put_object_tagging::Input { bucket, key, version_id, expected_bucket_owner, ..Default::default() };
    replace(cx, input, Tags::new()).await
}
