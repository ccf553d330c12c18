//! DeletePolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html>. It must be attached
//! nowhere and have only its default version.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_policy;

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub policy_arn: String,
}

pub async fn delete_policy(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let row = lookup::own_policy(tx, cx, &input.policy_arn).await?;
            if lookup::attachments(tx, cx, &row.id).await? > 0 {
                return Err(errors::delete_conflict("Cannot delete a policy attached to entities."));
            }
            if iam_policy::list_versions(tx, &row.id).await?.len() > 1 {
                return Err(errors::delete_conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                     versions. The default version is deleted with the policy.",
                ));
            }
            iam_policy::delete(tx, &row.id).await?;
            Ok(Nothing {})
        })
    })
    .await
}
