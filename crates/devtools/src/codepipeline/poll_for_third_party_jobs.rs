//! PollForThirdPartyJobs: a partner's worker asks for jobs.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PollForThirdPartyJobs.html>
//!
//! Refused: partners have no way to offer an action type here, so there are no jobs of theirs. Workers of one's own poll for
//! jobs of custom action types (PollForJobs).

use base::ApiError;
use formats::pipeline::ActionTypeId;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub action_type_id: ActionTypeId,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Refuses.
pub async fn poll_for_third_party_jobs(_cx: &Cx, input: Input) -> Result<Output, ApiError> {
    Err(errors::no_partners(&input.action_type_id))
}
