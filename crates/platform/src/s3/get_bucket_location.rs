//! GetBucketLocation: the bucket's region; nothing for us-east-1, as AWS answers since its first days.

use base::ApiError;
use serde::Serialize;

use super::bucket::{self, For};
pub use super::shape::BucketInput as Input;
use crate::Cx;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_constraint: Option<String>,
}

pub async fn get_bucket_location(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    let region = row.scope.region.to_string();
    Ok(Output { location_constraint: (region != "us-east-1").then_some(region) })
}
