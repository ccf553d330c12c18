//! UpdateActionType: changes a type that a partner offers to many accounts.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_UpdateActionType.html>
//!
//! There is none to change (see GetActionType). A custom action type is never changed, by AWS's rule either: it gets a new
//! version.

use base::ApiError;
use formats::pipeline::ActionTypeId;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub action_type: Declaration,
}

/// What it should become.
#[derive(Clone, Debug, Deserialize)]
pub struct Declaration {
    pub id: ActionTypeId,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Refuses.
pub async fn update_action_type(_cx: &Cx, input: Input) -> Result<Output, ApiError> {
    Err(errors::no_partners(&input.action_type.id))
}
