//! GetPolicyVersion: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html>. The document
//! is URL-encoded.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::shapes::{self, PolicyVersion};
use super::{errors, versions};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub policy_arn: String,
    pub version_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub policy_version: PolicyVersion,
}

pub async fn get_policy_version(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let all = versions::list(&mut tx, cx, &input.policy_arn).await?;
    let (mut version, document) = all
        .into_iter()
        .find(|(v, _)| v.version_id == input.version_id)
        .ok_or_else(|| errors::no_policy_version(&input.policy_arn, &input.version_id))?;
    version.document = Some(shapes::encoded(&document));
    Ok(Output { policy_version: version })
}
