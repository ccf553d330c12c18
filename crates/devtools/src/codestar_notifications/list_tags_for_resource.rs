//! ListTagsForResource: the tags of a rule.
//! <https://docs.aws.amazon.com/codestar-notifications/latest/APIReference/API_ListTagsForResource.html>

use base::{ApiError, Tags};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codestar_notifications_rule as rules;

use super::{arn, errors};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub arn: String,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub tags: Tags,
}

/// Lists tags.
pub async fn list_tags_for_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let id = arn::rule(cx.scope(), &input.arn)?;
    let row = rules::get(&mut cx.store.read().await?, cx.scope(), &id).await?;
    Ok(Output { tags: row.ok_or_else(|| errors::not_found(&input.arn))?.tags })
}
