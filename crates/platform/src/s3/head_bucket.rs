//! HeadBucket: whether the bucket exists and may be used, and its region.

use base::ApiError;
use serde::Serialize;

use super::bucket::{self, For};
pub use super::shape::BucketInput as Input;
use super::version::bucket_arn;
use crate::Cx;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub bucket_arn: String,
    pub bucket_region: String,
    pub access_point_alias: bool,
}

pub async fn head_bucket(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Ok(Output { bucket_arn: bucket_arn(&row), bucket_region: row.scope.region.to_string(), access_point_alias: false })
}
