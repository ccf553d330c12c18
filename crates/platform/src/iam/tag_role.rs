//! TagRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagRole.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_role;

use super::shapes::{Nothing, Tag};
use super::{lookup, shapes};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
    pub tags: Vec<Tag>,
}

pub async fn tag_role(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = lookup::role(tx, cx, &input.role_name).await?;
            row.tags = shapes::retag(&row.tags, &input.tags)?;
            iam_role::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
