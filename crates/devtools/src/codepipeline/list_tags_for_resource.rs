//! ListTagsForResource: a pipeline's tags.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListTagsForResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;
use super::tags::{Tag, name_of, pipeline, to_tags};

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
    let name = name_of(cx, &input.resource_arn)?;
    let mut tx = cx.store.read().await?;
    let row = pipeline(&mut tx, cx.scope(), &name).await?;
    Ok(Output { tags: to_tags(&row.tags) })
}
