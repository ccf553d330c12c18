//! ListTagsForResource: the tags of a connection or a host.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_ListTagsForResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::arn::Resource;
use super::tags::{Tag, to_list};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub resource_arn: String,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub tags: Vec<Tag>,
}

/// Lists tags.
pub async fn list_tags_for_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let resource = Resource::parse(cx.scope(), &input.resource_arn)?;
    let mut tx = cx.store.read().await?;
    Ok(Output { tags: to_list(&resource.tags(&mut tx, cx.scope(), &input.resource_arn).await?) })
}
