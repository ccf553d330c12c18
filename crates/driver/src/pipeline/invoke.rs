//! Actions that start another pipeline. The end of one that is waited for comes back as a tell.

use base::{ApiError, ErrorKind};
use devtools::codepipeline::{emit_pipeline, invoke_pipeline, retry_invoked, stop_invoked};
use engine::pipeline::{ActionResult, CancelAction, Execution, ExecutionInput, External, RunAction, Work};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{Tx, machine};

use super::{Trouble, answer, artifact_file, failed};
use crate::PerformError;

/// Starts the execution in the transaction that says so. One that was started before, and failed, is tried again instead.
pub(super) async fn begin(cx: &Cx, claimed: &Claimed, run: &RunAction) -> Result<(), Trouble> {
    let Work::InvokePipeline { definition, earlier, .. } = &run.work else {
        return Err(Trouble::configuration("The action starts no pipeline."));
    };
    if let Some(id) = earlier
        && again(cx, claimed, run, id).await?
    {
        return Ok(());
    }
    let text = match definition {
        Some(file) => Some(artifact_file::text(cx, claimed, run, file).await?),
        None => None,
    };
    let (inner, claimed, run) = (cx.clone(), claimed.clone(), run.clone());
    let begun = cx.store.write(move |tx| {
        let (cx, claimed, run, text) = (inner.clone(), claimed.clone(), run.clone(), text.clone());
        Box::pin(async move { begin_in(tx, &cx, &claimed, &run, text.as_deref()).await })
    });
    begun.await.map_err(|e: ApiError| match e.kind {
        // What was done of it is undone: a pipeline that was made for it, too.
        ErrorKind::Client => {
            let message = format!("Error calling startPipelineExecution: {} (Error Code: {})", e.message, e.code);
            Trouble::configuration(message)
        }
        ErrorKind::Server => Trouble::Ours(PerformError::new("start the pipeline of an action", e)),
    })
}

/// Whether the execution that was started before goes on for this attempt.
async fn again(cx: &Cx, claimed: &Claimed, run: &RunAction, id: &str) -> Result<bool, PerformError> {
    let (inner, claimed, run, id) = (cx.clone(), claimed.clone(), run.clone(), id.to_owned());
    let told = cx.store.write(move |tx| {
        let (cx, claimed, run, id) = (inner.clone(), claimed.clone(), run.clone(), id.clone());
        Box::pin(async move {
            let row = machine::get_locked::<Execution>(tx, &claimed.machine_id).await?;
            if let Some(row) = row.filter(|row| row.state.wants(&claimed.key) && row.state.stop_request().is_none()) {
                let begun = started(&cx, &claimed, &run, id.clone());
                answer::step(tx, &claimed.machine_id, begun).await?;
                retry_invoked(tx, &cx, &row.state, (&claimed.key, &id)).await?;
            }
            outbox::finish(tx, &claimed).await?;
            Ok::<_, ApiError>(())
        })
    });
    match told.await {
        Ok(()) => Ok(true),
        // It has ended otherwise, or another was there since: the action starts a new one.
        Err(e) if e.kind == ErrorKind::Client => {
            tracing::info!(why = %e, "an execution is not tried again for its parent");
            Ok(false)
        }
        Err(e) => Err(PerformError::new("try an execution again for its parent", e)),
    }
}

async fn begin_in(
    tx: &mut Tx,
    cx: &Cx,
    claimed: &Claimed,
    run: &RunAction,
    definition: Option<&str>,
) -> Result<(), ApiError> {
    let row = machine::get_locked::<Execution>(tx, &claimed.machine_id).await?;
    if let Some(row) = row.filter(|row| row.state.wants(&claimed.key)) {
        if row.state.stop_request().is_some() {
            let result = failed("JobFailed", "The execution is stopping: no other was started.".to_owned());
            let input = ExecutionInput::ActionFinished { key: claimed.key.clone(), result };
            answer::step(tx, &claimed.machine_id, input).await?;
        } else {
            if let (Work::InvokePipeline { pipeline, .. }, Some(text)) = (&run.work, definition) {
                emit_pipeline(tx, cx, &row.state, (pipeline, run), text).await?;
            }
            let id = invoke_pipeline(tx, cx, &row.state, (&claimed.key, run)).await?;
            answer::step(tx, &claimed.machine_id, started(cx, claimed, run, id)).await?;
        }
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
    let (Some(id), gently) = (cancel.external_id, cancel.gently) else { return answer::done(cx, claimed).await };
    let claimed = claimed.clone();
    let stopped = cx.store.write(move |tx| {
        let (claimed, id) = (claimed.clone(), id.clone());
        Box::pin(async move {
            stop_invoked(tx, &id, &claimed.machine_id, gently).await?;
            outbox::finish(tx, &claimed).await
        })
    });
    Ok(stopped.await?)
}
