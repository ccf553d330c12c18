//! DisableStageTransition: keeps executions from entering a stage.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DisableStageTransition.html>

use base::ApiError;
use engine::pipeline::GateInput;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::transition::change;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    pub stage_name: String,
    pub transition_type: String,
    pub reason: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Closes a transition.
pub async fn disable_stage_transition(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let by = cx.caller.principal.arn.clone();
    let reason = input.reason;
    let make = move |stage| GateInput::Disable { stage, reason: reason.clone(), by: by.clone() };
    change(cx, input.pipeline_name, input.stage_name, input.transition_type, make).await?;
    Ok(Output {})
}
