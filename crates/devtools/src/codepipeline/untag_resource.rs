//! UntagResource: removes tags from a pipeline; keys that are not there are passed over.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_UntagResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_pipeline;

use super::tags::{name_of, pipeline};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Removes tags.
pub async fn untag_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = name_of(cx, &input.resource_arn)?;
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, name, keys) = (scope.clone(), name.clone(), input.tag_keys.clone());
            Box::pin(async move {
                let mut tags = pipeline(tx, &scope, &name).await?.tags;
                tags.retain(|key, _| !keys.contains(key));
                codepipeline_pipeline::set_tags(tx, &scope, &name, &tags).await?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output {})
}
