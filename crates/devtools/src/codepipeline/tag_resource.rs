//! TagResource: adds tags to a pipeline or a webhook; a key that is there gets the new value.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_TagResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::tags::{Tag, Tagged, check_count, to_map};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Adds tags.
pub async fn tag_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let tagged = Tagged::parse(cx, &input.resource_arn)?;
    let added = to_map(input.tags)?;
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, tagged, added) = (scope.clone(), tagged.clone(), added.clone());
            Box::pin(async move {
                let mut tags = tagged.tags(tx, &scope).await?;
                tags.extend(added);
                check_count(&tags)?;
                tagged.set_tags(tx, &scope, &tags).await?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output {})
}
