//! UntagResource: removes tags from a connection or a host; keys that are not there are passed over.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_UntagResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::arn::Resource;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub resource_arn: String,
    pub tag_keys: Vec<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Removes tags.
pub async fn untag_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, arn, keys) = (cx.scope().clone(), input.resource_arn, input.tag_keys);
    let resource = Resource::parse(&scope, &arn)?;
    let untag = cx.store.write(move |tx| {
        let (scope, arn, resource, keys) = (scope.clone(), arn.clone(), resource.clone(), keys.clone());
        Box::pin(async move {
            let mut tags = resource.tags(tx, &scope, &arn).await?;
            tags.retain(|key, _| !keys.contains(key));
            Ok::<_, ApiError>(resource.set_tags(tx, &scope, &tags).await?)
        })
    });
    untag.await?;
    Ok(Output {})
}
