//! PutResourcePolicy: refused. It shares a project or a report group with other accounts, and nothing here looks across
//! accounts: a policy that was kept would protect nothing and allow nothing.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_PutResourcePolicy.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors::invalid;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub resource_arn: String,
    pub policy: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub resource_arn: String,
}

/// Refuses to share a resource.
pub async fn put_resource_policy(_cx: &Cx, input: Input) -> Result<Output, ApiError> {
    Err(invalid(format!(
        "{} cannot be shared: this server keeps accounts apart; give the other account a role in this one instead",
        input.resource_arn
    )))
}
