//! ListTagsForResource: the tags of a pipeline or a webhook.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListTagsForResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;
use super::tags::{Tag, Tagged, to_tags};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub resource_arn: String,
    #[serde(default)]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Output {
    /// At most 50, so always one page.
    pub tags: Vec<Tag>,
}

/// Lists tags.
pub async fn list_tags_for_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if input.next_token.is_some() {
        return Err(errors::invalid_token());
    }
    let tagged = Tagged::parse(cx, &input.resource_arn)?;
    let mut tx = cx.store.read().await?;
    Ok(Output { tags: to_tags(&tagged.tags(&mut tx, cx.scope()).await?) })
}
