//! ListTagsForResource: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTagsForResource.html>. For rules.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::rule;
use super::tags::{self, Tag};
use crate::Cx;

#[derive(Debug, Deserialize)]
pub struct Input {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub tags: Vec<Tag>,
}

pub async fn list_tags_for_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = rule::of_arn(&mut tx, cx.scope(), &input.resource_arn).await?;
    Ok(Output { tags: tags::all(row.tags) })
}
