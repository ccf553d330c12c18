//! PutRetentionPolicy:
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>. Older events
//! are hidden at once and removed by the next sweep.

use base::ApiError;
use serde::Deserialize;
use store::tables::logs_group;

use super::errors;
use super::find::{self, Nothing};
use crate::Cx;
use crate::transact::transact;

const DAYS: &[i64] =
    &[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: String,
    pub retention_in_days: i64,
}

pub async fn put_retention_policy(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    if !DAYS.contains(&input.retention_in_days) {
        return Err(errors::invalid(format!(
            "1 validation error detected: Value '{}' at 'retentionInDays' failed to satisfy constraint: Member must \
             satisfy enum value set: {DAYS:?}",
            input.retention_in_days
        )));
    }
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let group = find::group(tx, cx.scope(), &input.log_group_name).await?;
            logs_group::set_retention(tx, group.id, Some(input.retention_in_days)).await?;
            Ok(Nothing {})
        })
    })
    .await
}
