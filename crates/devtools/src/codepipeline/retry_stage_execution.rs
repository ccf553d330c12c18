//! RetryStageExecution: tries a failed stage again, its failed actions or all of them.
//!
//! Order: pipeline; then the gates (stage, last execution in it, version of the definition); then the execution. Both take
//! it, or neither. An execution of mode PARALLEL asks no gates: it counts towards the limit again. <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RetryStageExecution.html>

use base::{ApiError, Scope};
use engine::pipeline::{Execution, ExecutionInput, GateInput, GateRefusal, Gates, Mode, Refusal};
use formats::pipeline::RetryMode;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::{AdvanceError, Tx, machine};

use super::start_pipeline_execution::within_limit;
use super::{errors, load, transition};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    pub stage_name: String,
    pub pipeline_execution_id: String,
    pub retry_mode: RetryMode,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub pipeline_execution_id: String,
}

/// Retries a stage.
pub async fn retry_stage_execution(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let (id, limit) = (input.pipeline_execution_id.clone(), cx.site.max_executions);
    let by = cx.caller.principal.arn.clone();
    cx.store
        .write(move |tx| {
            let (scope, input, by) = (scope.clone(), input.clone(), Some(by.clone()));
            Box::pin(async move {
                let (pipeline, stage) = (&input.pipeline_name, &input.stage_name);
                let id = &input.pipeline_execution_id;
                come_back(tx, &scope, (pipeline, stage), id, limit, errors::not_retryable).await?;
                let retry =
                    ExecutionInput::RetryStage { stage: stage.clone(), mode: input.retry_mode, by, parent: None };
                store::advance::<Execution>(tx, &input.pipeline_execution_id, retry)
                    .await
                    .map_err(|e| refused(pipeline, stage, e))?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(Output { pipeline_execution_id: id })
}

/// Lets an execution back into the stage in which it failed, if nothing else has been there since. `stale` is the answer when
/// the pipeline has another version by now.
pub(super) async fn come_back(
    tx: &mut Tx,
    scope: &Scope,
    (pipeline, stage): (&str, &str),
    execution: &str,
    limit: Option<u32>,
    stale: fn(&str, &str) -> ApiError,
) -> Result<(), ApiError> {
    let gates = load::locked(tx, scope, pipeline).await?;
    let row = load::pipeline(tx, scope, pipeline).await?;
    // An id that is none of this pipeline's is not the latest in the stage; the gates say so.
    let known = machine::get::<Execution>(tx, execution).await?.filter(|r| load::belongs(r, scope, &row));
    if let Some(parallel) = known.as_ref().filter(|r| r.state.mode() == Mode::Parallel) {
        if parallel.state.definition.stage(stage).is_none() {
            return Err(errors::stage_not_found(pipeline, stage));
        }
        // One that is still under way is counted already.
        if parallel.state.is_ended() {
            within_limit(gates.as_ref(), pipeline, limit)?;
        }
        let again = GateInput::Begin { execution: execution.to_owned() };
        return match store::advance::<Gates>(tx, &load::arn(scope, pipeline), again).await {
            Ok(_) => Ok(()),
            Err(e) => Err(transition::refused(scope, pipeline, e)),
        };
    }
    let version = known.map_or(row.version, |r| r.state.version);
    let back = GateInput::Return { execution: execution.to_owned(), stage: stage.to_owned(), version };
    store::advance::<Gates>(tx, &load::arn(scope, pipeline), back).await.map_err(|e| match e {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::NotFound => errors::pipeline_not_found(scope, pipeline),
        AdvanceError::Refused(GateRefusal::StageNotFound { stage }) => errors::stage_not_found(pipeline, &stage),
        AdvanceError::Refused(GateRefusal::NotLatest { .. }) => errors::not_latest(pipeline, stage, execution),
        AdvanceError::Refused(GateRefusal::Occupied { .. } | GateRefusal::NoTransitions) => errors::busy(pipeline),
        AdvanceError::Refused(GateRefusal::Redefined) => {
            stale(stage, "the pipeline has been updated since the execution began")
        }
    })?;
    Ok(())
}

pub(super) fn refused(pipeline: &str, stage: &str, error: AdvanceError<Refusal>) -> ApiError {
    match error {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::Refused(Refusal::Busy) => errors::busy(pipeline),
        AdvanceError::Refused(Refusal::NotRetryable { why }) => errors::not_retryable(stage, &why),
        AdvanceError::NotFound | AdvanceError::Refused(_) => errors::not_retryable(stage, "it has not failed"),
    }
}
