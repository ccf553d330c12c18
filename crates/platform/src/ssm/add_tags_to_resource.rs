//! AddTagsToResource: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html>.
//! For parameters alone.

use base::ApiError;
use serde::Deserialize;
use store::tables::ssm_parameter;

use super::errors;
use super::find::{self, Nothing, Tag};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub resource_type: String,
    pub resource_id: String,
    pub tags: Vec<Tag>,
}

pub async fn add_tags_to_resource(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = find::tagged(tx, cx, &input.resource_type, &input.resource_id).await?;
            row.tags.extend(input.tags.iter().map(|t| (t.key.clone(), t.value.clone())));
            if row.tags.len() > 50 {
                return Err(errors::too_many_tags());
            }
            ssm_parameter::set_tags(tx, cx.scope(), &row.name, &row.tags).await?;
            Ok(Nothing {})
        })
    })
    .await
}
