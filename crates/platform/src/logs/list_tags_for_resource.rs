//! ListTagsForResource:
//! <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_ListTagsForResource.html>.

use base::ApiError;
use serde::Deserialize;

use super::find;
use super::list_tags_log_group::{self, Output};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub resource_arn: String,
}

pub async fn list_tags_for_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let log_group_name = find::name_in_arn(cx.scope(), &input.resource_arn)?;
    list_tags_log_group::list_tags_log_group(cx, list_tags_log_group::Input { log_group_name }).await
}
