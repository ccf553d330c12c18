//! GetBucketNotificationConfiguration: what holds for every bucket: events go to EventBridge, nowhere else.

use base::ApiError;
use serde::Serialize;

use super::bucket::{self, For};
pub use super::shape::BucketInput as Input;
use crate::Cx;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub event_bridge_configuration: super::shape::Empty,
}

pub async fn get_bucket_notification_configuration(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    bucket::load(&mut tx, cx, &input.bucket, input.owner(), For::Reading).await?;
    Ok(Output { event_bridge_configuration: super::shape::Empty {} })
}
