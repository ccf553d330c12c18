//! CreateLogStream: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::logs_stream;

use super::errors;
use super::find::{self, Nothing};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: String,
    pub log_stream_name: String,
}

pub async fn create_log_stream(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let group = find::group(tx, cx.scope(), &input.log_group_name).await?;
            match logs_stream::insert(tx, group.id, &input.log_stream_name, cx.now()).await? {
                Some(_) => Ok(Nothing {}),
                None => Err(errors::stream_exists()),
            }
        })
    })
    .await
}
