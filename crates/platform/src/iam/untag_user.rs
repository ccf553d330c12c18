//! UntagUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UntagUser.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_user;

use super::shapes::Nothing;
use super::{lookup, shapes};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub tag_keys: Vec<String>,
}

pub async fn untag_user(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = lookup::user(tx, cx, &input.user_name).await?;
            row.tags = shapes::untag(&row.tags, &input.tag_keys);
            iam_user::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
