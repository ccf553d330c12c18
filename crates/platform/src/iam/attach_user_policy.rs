//! AttachUserPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html>.
//! Attaching twice is the same as once.

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
    pub user_name: String,
    pub policy_arn: String,
}

pub async fn attach_user_policy(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let arn = &input.policy_arn;
            let user = lookup::user(tx, cx, &input.user_name).await?;
            let policy = lookup::policy(tx, cx, arn).await?.ok_or_else(|| errors::not_attachable(arn))?;
            let attached = iam_attachment::of_owner(tx, &user.id).await?;
            if attached.len() >= 20 && !attached.contains(&policy.key(arn)) {
                return Err(errors::limit("Cannot exceed quota for PoliciesPerUser: 20"));
            }
            iam_attachment::insert(tx, lookup::account(cx), &user.id, &policy.key(arn)).await?;
            Ok(Nothing {})
        })
    })
    .await
}
