//! GetBucketRequestPayment: the owner pays.

use base::ApiError;
use serde::Serialize;

use super::bucket::{self, For};
pub use super::shape::BucketInput as Input;
use crate::Cx;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub payer: &'static str,
}

pub async fn get_bucket_request_payment(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Ok(Output { payer: "BucketOwner" })
}
