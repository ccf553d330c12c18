//! SetDefaultPolicyVersion:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SetDefaultPolicyVersion.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_policy;

use super::shapes::Nothing;
use super::{errors, lookup, versions};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub policy_arn: String,
    pub version_id: String,
}

pub async fn set_default_policy_version(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = lookup::own_policy(tx, cx, &input.policy_arn).await?;
            let all = iam_policy::list_versions(tx, &row.id).await?;
            let Some(found) = all.iter().find(|v| Some(v.version) == versions::number(&input.version_id)) else {
                return Err(errors::no_policy_version(&input.policy_arn, &input.version_id));
            };
            row.default_version = found.version;
            row.updated = cx.now();
            iam_policy::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await
}
