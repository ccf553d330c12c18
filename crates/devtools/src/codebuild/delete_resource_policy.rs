//! DeleteResourcePolicy: no resource has a policy (see `put_resource_policy`), and deleting what is not there succeeds.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DeleteResourcePolicy.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub resource_arn: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {}

/// Finds nothing to delete.
pub async fn delete_resource_policy(_cx: &Cx, _input: Input) -> Result<Output, ApiError> {
    Ok(Output {})
}
