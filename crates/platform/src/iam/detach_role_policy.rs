//! DetachRolePolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DetachRolePolicy.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_attachment;

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
    pub policy_arn: String,
}

pub async fn detach_role_policy(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let arn = &input.policy_arn;
            let role = lookup::role(tx, cx, &input.role_name).await?;
            let policy = lookup::policy(tx, cx, arn).await?.ok_or_else(|| errors::no_policy(arn))?;
            if iam_attachment::delete(tx, &role.id, &policy.key(arn)).await? {
                Ok(Nothing {})
            } else {
                Err(errors::no_policy(arn))
            }
        })
    })
    .await
}
