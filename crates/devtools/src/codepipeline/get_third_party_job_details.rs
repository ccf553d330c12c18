//! GetThirdPartyJobDetails: a partner's worker reads a job.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetThirdPartyJobDetails.html>
//!
//! Refused: partners have no way to offer an action type here, so there are no jobs of theirs. Workers of one's own poll for
//! jobs of custom action types (PollForJobs).

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub job_id: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Refuses.
pub async fn get_third_party_job_details(_cx: &Cx, input: Input) -> Result<Output, ApiError> {
    Err(errors::no_partners_job(&input.job_id))
}
