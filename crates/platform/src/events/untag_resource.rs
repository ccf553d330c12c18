//! UntagResource: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UntagResource.html>. For rules.

use base::ApiError;
use serde::Deserialize;
use store::tables::events_rule;

use super::rule::{self, Nothing};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
pub struct Input {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
    #[serde(rename = "TagKeys")]
    pub tag_keys: Vec<String>,
}

pub async fn untag_resource(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            rule::lock(tx, cx.scope()).await?;
            let mut row = rule::of_arn(tx, cx.scope(), &input.resource_arn).await?;
            row.tags.retain(|key, _| !input.tag_keys.contains(key));
            events_rule::put(tx, cx.scope(), &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
