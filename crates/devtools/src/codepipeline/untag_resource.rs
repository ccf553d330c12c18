//! UntagResource: removes tags from a pipeline or a webhook; keys that are not there are passed over.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_UntagResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::tags::Tagged;

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
    let tagged = Tagged::parse(cx, &input.resource_arn)?;
    if let Some(key) = input.tag_keys.iter().find(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        let what = format!("The tag key '{key}' is not valid: the prefix aws: is reserved.");
        return Err(ApiError::new("InvalidTagsException", what));
    }
    let scope = cx.scope().clone();
    cx.store
        .write(move |tx| {
            let (scope, tagged, keys) = (scope.clone(), tagged.clone(), input.tag_keys.clone());
            Box::pin(async move {
                let mut tags = tagged.tags(tx, &scope).await?;
                tags.retain(|key, _| !keys.contains(key));
                tagged.set_tags(tx, &scope, &tags).await?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output {})
}
