//! DeleteLogGroup: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteLogGroup.html>.
//! The group and its streams go at once, their events with the next sweep.

use base::ApiError;
use serde::Deserialize;
use store::tables::logs_group;

use super::find::{self, Nothing};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: String,
}

pub async fn delete_log_group(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let group = find::group(tx, cx.scope(), &input.log_group_name).await?;
            logs_group::delete(tx, group.id).await?;
            Ok(Nothing {})
        })
    })
    .await
}
