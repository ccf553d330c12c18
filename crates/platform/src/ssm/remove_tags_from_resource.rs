//! RemoveTagsFromResource:
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_RemoveTagsFromResource.html>. For parameters
//! alone.

use base::ApiError;
use serde::Deserialize;
use store::tables::ssm_parameter;

use super::find::{self, Nothing};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub resource_type: String,
    pub resource_id: String,
    pub tag_keys: Vec<String>,
}

pub async fn remove_tags_from_resource(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = find::tagged(tx, cx, &input.resource_type, &input.resource_id).await?;
            row.tags.retain(|key, _| !input.tag_keys.contains(key));
            ssm_parameter::set_tags(tx, cx.scope(), &row.name, &row.tags).await?;
            Ok(Nothing {})
        })
    })
    .await
}
