//! `ListTagsForResource`. A repository has at most 50 tags, so there is one page.

use base::{ApiError, Tags};
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::repository::by_arn;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    resource_arn: String,
}

#[derive(Debug, Serialize)]
pub struct Output {
    tags: Tags,
}

/// Lists a repository's tags.
pub async fn list_tags_for_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let row = by_arn(&mut cx.store.read().await?, cx.scope(), &input.resource_arn).await?;
    Ok(Output { tags: row.tags })
}
