//! DeleteLogStream: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogStream.html>.
//! Its events go with the next sweep.

use base::ApiError;
use serde::Deserialize;
use store::tables::logs_stream;

use super::find::{self, Nothing};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: String,
    pub log_stream_name: String,
}

pub async fn delete_log_stream(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let group = find::group(tx, cx.scope(), &input.log_group_name).await?;
            let stream = find::stream(tx, group, &input.log_stream_name).await?;
            logs_stream::delete(tx, stream.id).await?;
            Ok(Nothing {})
        })
    })
    .await
}
