//! OverrideStageCondition: an execution goes on although a condition of its stage is not met, or not checked to its end.
//!
//! Order: pipeline; the gates (stage, last execution in it, version of the definition); then the execution.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_OverrideStageCondition.html>

use base::ApiError;
use engine::pipeline::{Execution, ExecutionInput, Refusal};
use formats::pipeline::ConditionKind;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::AdvanceError;

use super::errors;
use super::retry_stage_execution::come_back;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    pub stage_name: String,
    pub pipeline_execution_id: String,
    pub condition_type: ConditionType,
}

/// The conditions that can be overridden.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConditionType {
    BeforeEntry,
    OnSuccess,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Overrides a condition.
pub async fn override_stage_condition(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let (by, limit) = (cx.caller.principal.arn.clone(), cx.site.max_executions);
    cx.store
        .write(move |tx| {
            let (scope, input, by) = (scope.clone(), input.clone(), by.clone());
            Box::pin(async move {
                let (pipeline, stage) = (&input.pipeline_name, &input.stage_name);
                let id = &input.pipeline_execution_id;
                come_back(tx, &scope, (pipeline, stage), id, limit, errors::not_overridable).await?;
                let kind = match input.condition_type {
                    ConditionType::BeforeEntry => ConditionKind::BeforeEntry,
                    ConditionType::OnSuccess => ConditionKind::OnSuccess,
                };
                let go_on = ExecutionInput::OverrideCondition { stage: stage.clone(), kind, by };
                store::advance::<Execution>(tx, &input.pipeline_execution_id, go_on)
                    .await
                    .map_err(|e| refused(pipeline, stage, e))?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output {})
}

fn refused(pipeline: &str, stage: &str, error: AdvanceError<Refusal>) -> ApiError {
    match error {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::Refused(Refusal::Busy) => errors::busy(pipeline),
        AdvanceError::Refused(Refusal::NotOverridable { why }) => errors::not_overridable(stage, &why),
        AdvanceError::NotFound | AdvanceError::Refused(_) => errors::not_overridable(stage, "it is not being checked"),
    }
}
