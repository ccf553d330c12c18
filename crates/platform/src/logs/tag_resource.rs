//! TagResource: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html>. For log
//! groups, by ARN.

use base::{ApiError, Tags};
use serde::Deserialize;

use super::find::{self, Nothing};
use super::tag_log_group;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub resource_arn: String,
    pub tags: Tags,
}

pub async fn tag_resource(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    let log_group_name = find::name_in_arn(cx.scope(), &input.resource_arn)?;
    tag_log_group::tag_log_group(cx, tag_log_group::Input { log_group_name, tags: input.tags }).await
}
