//! GetResourcePolicy: no resource has a policy (see `put_resource_policy`).
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_GetResourcePolicy.html>.

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
pub struct Output {
    pub policy: String,
}

/// Says that there is no policy.
pub async fn get_resource_policy(_cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let message = format!("Resource policy does not exist for the resource: {}", input.resource_arn);
    Err(ApiError::new("ResourceNotFoundException", message))
}
