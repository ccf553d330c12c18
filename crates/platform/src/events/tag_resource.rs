//! TagResource: <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TagResource.html>. For rules.

use base::ApiError;
use serde::Deserialize;
use store::tables::events_rule;

use super::rule::{self, Nothing};
use super::tags::{self, Tag};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
pub struct Input {
    #[serde(rename = "ResourceARN")]
    pub resource_arn: String,
    #[serde(rename = "Tags")]
    pub tags: Vec<Tag>,
}

pub async fn tag_resource(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            rule::lock(tx, cx.scope()).await?;
            let mut row = rule::of_arn(tx, cx.scope(), &input.resource_arn).await?;
            tags::add(&mut row.tags, &input.tags)?;
            events_rule::put(tx, cx.scope(), &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
