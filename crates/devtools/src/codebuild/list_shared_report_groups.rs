//! ListSharedReportGroups: what other accounts share with the caller, which is nothing (see `put_resource_policy`).
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListSharedReportGroups.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Input {}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub report_groups: Vec<String>,
}

/// Lists nothing.
pub async fn list_shared_report_groups(_cx: &Cx, _input: Input) -> Result<Output, ApiError> {
    Ok(Output { report_groups: Vec::new() })
}
