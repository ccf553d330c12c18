//! TagLogGroup: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagLogGroup.html>.

use base::{ApiError, Tags};
use serde::Deserialize;
use store::tables::logs_group;

use super::errors;
use super::find::Nothing;
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: String,
    pub tags: Tags,
}

pub async fn tag_log_group(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let row = logs_group::get(tx, cx.scope(), &input.log_group_name).await?.ok_or_else(errors::no_group)?;
            let mut tags = row.tags;
            tags.extend(input.tags.clone());
            if tags.len() > 50 {
                return Err(errors::too_many_tags());
            }
            logs_group::set_tags(tx, row.id, &tags).await?;
            Ok(Nothing {})
        })
    })
    .await
}
