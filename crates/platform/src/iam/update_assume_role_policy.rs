//! UpdateAssumeRolePolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAssumeRolePolicy.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_role;

use super::shapes::Nothing;
use super::{documents, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
    pub policy_document: String,
}

pub async fn update_assume_role_policy(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    documents::trust(&input.policy_document)?;
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut role = lookup::role(tx, cx, &input.role_name).await?;
            role.trust = input.policy_document.clone();
            iam_role::update(tx, &role).await?;
            Ok(Nothing {})
        })
    })
    .await
}
