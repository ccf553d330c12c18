//! TagUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_TagUser.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_user;

use super::shapes::{Nothing, Tag};
use super::{lookup, shapes};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub tags: Vec<Tag>,
}

pub async fn tag_user(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = lookup::user(tx, cx, &input.user_name).await?;
            row.tags = shapes::retag(&row.tags, &input.tags)?;
            iam_user::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
