//! DeleteUserPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUserPolicy.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_inline_policy;

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub policy_name: String,
}

pub async fn delete_user_policy(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let user = lookup::user(tx, cx, &input.user_name).await?;
            if iam_inline_policy::delete(tx, &user.id, &input.policy_name).await? {
                Ok(Nothing {})
            } else {
                Err(errors::no_inline_policy("user", &input.policy_name))
            }
        })
    })
    .await
}
