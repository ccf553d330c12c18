//! DeleteRetentionPolicy:
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DeleteRetentionPolicy.html>. Events are
//! kept for ever from then on.

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

pub async fn delete_retention_policy(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let group = find::group(tx, cx.scope(), &input.log_group_name).await?;
            logs_group::set_retention(tx, group.id, None).await?;
            Ok(Nothing {})
        })
    })
    .await
}
