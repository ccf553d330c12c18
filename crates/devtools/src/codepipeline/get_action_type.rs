//! GetActionType: reads a type that a partner offers to many accounts.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetActionType.html>
//!
//! Partners have no way to offer one here, so there is none: every question is answered with ActionTypeNotFoundException, in
//! words that say where the types are that there are.

use base::ApiError;
use formats::pipeline::ActionTypeId;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub category: String,
    pub owner: String,
    pub provider: String,
    pub version: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Refuses.
pub async fn get_action_type(_cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let Input { category, owner, provider, version } = input;
    Err(errors::no_partners(&ActionTypeId { category, owner, provider, version }))
}
