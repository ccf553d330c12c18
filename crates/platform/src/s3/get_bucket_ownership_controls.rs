//! GetBucketOwnershipControls: the owner of a bucket owns all that is in it; there are no ACLs.

use base::ApiError;
use serde_json::{Value, json};

use super::bucket::{self, For};
pub use super::shape::BucketInput as Input;
use crate::Cx;

pub async fn get_bucket_ownership_controls(cx: &Cx, input: Input) -> Result<Value, ApiError> {
    let mut tx = cx.store.read().await?;
    bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Ok(json!({ "OwnershipControls": { "Rules": [{ "ObjectOwnership": "BucketOwnerEnforced" }] } }))
}
