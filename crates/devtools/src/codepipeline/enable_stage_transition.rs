//! EnableStageTransition: lets executions into a stage again; one that waits goes in.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_EnableStageTransition.html>

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
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Opens a transition.
pub async fn enable_stage_transition(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let by = cx.caller.principal.arn.clone();
    let make = move |stage| GateInput::Enable { stage, by: by.clone() };
    change(cx, input.pipeline_name, input.stage_name, input.transition_type, make).await?;
    Ok(Output {})
}
