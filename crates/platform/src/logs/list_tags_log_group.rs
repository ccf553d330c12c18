//! ListTagsLogGroup: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsLogGroup.html>.

use base::{ApiError, Tags};
use serde::{Deserialize, Serialize};
use store::tables::logs_group;

use super::errors;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub log_group_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub tags: Tags,
}

pub async fn list_tags_log_group(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = logs_group::get(&mut tx, cx.scope(), &input.log_group_name).await?.ok_or_else(errors::no_group)?;
    Ok(Output { tags: row.tags })
}
