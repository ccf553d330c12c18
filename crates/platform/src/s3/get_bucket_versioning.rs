//! GetBucketVersioning: nothing when versioning was never set.

use base::ApiError;
use serde::Serialize;

use super::bucket::{self, For};
pub use super::shape::BucketInput as Input;
use crate::Cx;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

pub async fn get_bucket_versioning(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Ok(Output { status: Some(row.versioning).filter(|v| !v.is_empty()) })
}
