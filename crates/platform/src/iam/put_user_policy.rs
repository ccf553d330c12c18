//! PutUserPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutUserPolicy.html>.
//! Replaces the policy of this name.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_inline_policy;

use super::shapes::Nothing;
use super::{documents, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub policy_name: String,
    pub policy_document: String,
}

pub async fn put_user_policy(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let user = lookup::user(tx, cx, &input.user_name).await?;
            let mut others = iam_inline_policy::list(tx, &user.id).await?;
            others.retain(|(name, _)| *name != input.policy_name);
            documents::inline(&input.policy_document, &others, "user", &user.name)?;
            iam_inline_policy::put(tx, &user.id, &input.policy_name, &input.policy_document).await?;
            Ok(Nothing {})
        })
    })
    .await
}
