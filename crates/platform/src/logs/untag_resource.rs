//! UntagResource: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_UntagResource.html>.

use base::ApiError;
use serde::Deserialize;

use super::find::{self, Nothing};
use super::untag_log_group;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

pub async fn untag_resource(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    let log_group_name = find::name_in_arn(cx.scope(), &input.resource_arn)?;
    untag_log_group::untag_log_group(cx, untag_log_group::Input { log_group_name, tags: input.tag_keys }).await
}
