//! UntagRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagRole.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_role;

use super::shapes::Nothing;
use super::{lookup, shapes};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
    pub tag_keys: Vec<String>,
}

pub async fn untag_role(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = lookup::role(tx, cx, &input.role_name).await?;
            row.tags = shapes::untag(&row.tags, &input.tag_keys);
            iam_role::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
