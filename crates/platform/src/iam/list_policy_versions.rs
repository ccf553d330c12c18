//! ListPolicyVersions: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyVersions.html>. All of
//! them, newest first: there are never more than five.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::shapes::PolicyVersion;
use super::versions;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub policy_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub versions: Vec<PolicyVersion>,
    pub is_truncated: bool,
}

pub async fn list_policy_versions(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let all = versions::list(&mut tx, cx, &input.policy_arn).await?;
    Ok(Output { versions: all.into_iter().map(|(v, _)| v).collect(), is_truncated: false })
}
