//! TagResource: adds tags to a pipeline; a key that is there gets the new value.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_TagResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_pipeline;

use super::tags::{Tag, check_count, name_of, pipeline, to_map};

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
    let name = name_of(cx, &input.resource_arn)?;
    let added = to_map(input.tags)?;
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, name, added) = (scope.clone(), name.clone(), added.clone());
            Box::pin(async move {
                let mut tags = pipeline(tx, &scope, &name).await?.tags;
                tags.extend(added);
                check_count(&tags)?;
                codepipeline_pipeline::set_tags(tx, &scope, &name, &tags).await?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output {})
}
