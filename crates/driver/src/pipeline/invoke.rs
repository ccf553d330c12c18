//! Actions that start another pipeline. The end of one that is waited for comes back as a tell.

use base::{ApiError, ErrorKind};
use devtools::codepipeline::{invoke_pipeline, stop_invoked};
use engine::pipeline::{ActionResult, CancelAction, Execution, ExecutionInput, External, RunAction, Work};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{Tx, machine};

use super::{answer, failed};
use crate::PerformError;

/// Starts the execution in the transaction that says so.
pub(super) async fn begin(cx: &Cx, claimed: &Claimed, run: RunAction) -> Result<(), PerformError> {
    let (inner, claimed) = (cx.clone(), claimed.clone());
    let begun = cx.store.write(move |tx| {
        let (cx, claimed, run) = (inner.clone(), claimed.clone(), run.clone());
        Box::pin(async move { begin_in(tx, &cx, &claimed, run).await })
    });
    begun.await.map_err(|e: ApiError| PerformError::new("start the pipeline of an action", e))
}

async fn begin_in(tx: &mut Tx, cx: &Cx, claimed: &Claimed, run: RunAction) -> Result<(), ApiError> {
    let row = machine::get_locked::<Execution>(tx, &claimed.machine_id).await?;
    if let Some(row) = row.filter(|row| row.state.wants(&claimed.key)) {
        let input = match invoke_pipeline(tx, cx, &row.state, (&claimed.key, &run)).await {
            Ok(id) => started(cx, claimed, &run, id),
            Err(e) if e.kind == ErrorKind::Client => {
                let message = format!("Error calling startPipelineExecution: {} (Error Code: {})", e.message, e.code);
                let result = failed("ConfigurationError", message);
                ExecutionInput::ActionFinished { key: claimed.key.clone(), result }
            }
            Err(e) => return Err(e),
        };
        answer::step(tx, &claimed.machine_id, input).await?;
    }
    outbox::finish(tx, claimed).await?;
    Ok(())
}

fn started(cx: &Cx, claimed: &Claimed, run: &RunAction, id: String) -> ExecutionInput {
    let key = claimed.key.clone();
    let (pipeline, waits) = match &run.work {
        Work::InvokePipeline { pipeline, wait, .. } => (pipeline.as_str(), *wait),
        _ => ("", false),
    };
    let region = &cx.scope().region;
    let url = format!(
        "https://{region}.console.aws.amazon.com/codesuite/codepipeline/pipelines/{pipeline}/executions/{id}/timeline"
    );
    if waits {
        let external = External { id: Some(id), url: Some(url), ..External::default() };
        return ExecutionInput::ActionStarted { key, external };
    }
    let result = ActionResult::Succeeded {
        summary: Some(format!("Started execution {id} of pipeline {pipeline}.")),
        external_execution_id: Some(id),
        external_execution_url: Some(url),
        output_variables: Default::default(),
        output_artifacts: Vec::new(),
        revision: None,
    };
    ExecutionInput::ActionFinished { key, result }
}

/// Stops the execution that is waited for no more.
pub(super) async fn cancel(cx: &Cx, claimed: &Claimed, cancel: CancelAction) -> Result<(), PerformError> {
    let Some(id) = cancel.external_id else { return answer::done(cx, claimed).await };
    let claimed = claimed.clone();
    let stopped = cx.store.write(move |tx| {
        let (claimed, id) = (claimed.clone(), id.clone());
        Box::pin(async move {
            stop_invoked(tx, &id, &claimed.machine_id).await?;
            outbox::finish(tx, &claimed).await
        })
    });
    Ok(stopped.await?)
}
