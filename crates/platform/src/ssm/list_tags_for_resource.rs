//! ListTagsForResource:
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListTagsForResource.html>. For parameters
//! alone.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::find::{self, Tag};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub resource_type: String,
    pub resource_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub tag_list: Vec<Tag>,
}

pub async fn list_tags_for_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = find::tagged(&mut tx, cx, &input.resource_type, &input.resource_id).await?;
    Ok(Output { tag_list: row.tags.into_iter().map(|(key, value)| Tag { key, value }).collect() })
}
