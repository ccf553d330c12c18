//! StopPipelineExecution: waits for the running actions, or abandons them.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_StopPipelineExecution.html>

use base::ApiError;
use engine::pipeline::{Execution, ExecutionInput, Refusal};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::AdvanceError;

use super::load;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    pub pipeline_execution_id: String,
    #[serde(default)]
    pub abandon: Option<bool>,
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub pipeline_execution_id: String,
}

/// Stops an execution.
pub async fn stop_pipeline_execution(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let by = cx.caller.principal.arn.clone();
    let id = input.pipeline_execution_id.clone();
    cx.store
        .write(move |tx| {
            let (scope, input, by) = (scope.clone(), input.clone(), by.clone());
            Box::pin(async move {
                let pipeline = load::pipeline(tx, &scope, &input.pipeline_name).await?;
                let id = &input.pipeline_execution_id;
                load::execution(tx, &scope, &pipeline, id).await?;
                let stop = ExecutionInput::Stop { abandon: input.abandon.unwrap_or(false), reason: input.reason, by };
                store::advance::<Execution>(tx, id, stop).await.map_err(|e| refused(id, e))?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output { pipeline_execution_id: id })
}

fn refused(id: &str, error: AdvanceError<Refusal>) -> ApiError {
    match error {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::Refused(Refusal::AlreadyStopping) => ApiError::new(
            "DuplicatedStopRequestException",
            format!("Pipeline execution '{id}' has received a request to stop already"),
        ),
        AdvanceError::Refused(Refusal::NotStoppable { status }) => ApiError::new(
            "PipelineExecutionNotStoppableException",
            format!("Pipeline execution '{id}' is not stoppable: its status is {status}"),
        ),
        AdvanceError::NotFound | AdvanceError::Refused(_) => ApiError::new(
            "PipelineExecutionNotStoppableException",
            format!("Pipeline execution '{id}' is not stoppable"),
        ),
    }
}
