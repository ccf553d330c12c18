//! Actions that start another pipeline. The end of one that is waited for comes back as a tell.

use std::sync::Arc;
use std::time::Duration;

use base::{ApiError, ErrorKind};
use devtools::codepipeline::{Emitted, emit_pipeline, invoke_pipeline, read_emitted, retry_invoked, stop_invoked};
use engine::pipeline::{ActionResult, CancelAction, Execution, ExecutionInput, External, RunAction, Work};
use platform::Cx;
use store::outbox::{self, Claimed};
use store::{Tx, machine};

use super::{Trouble, answer, artifact_file, failed};
use crate::PerformError;

/// What StartPipelineExecution says when as many executions of the pipeline are under way as may be.
const TOO_MANY: &str = "ConcurrentPipelineExecutionsLimitExceededException";
/// How long until it is asked again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Starts the execution in the transaction that says so. One that was started before, and failed, is tried again instead.
pub(super) async fn begin((cx, acting): (&Cx, &Cx), claimed: &Claimed, run: &RunAction) -> Result<(), Trouble> {
    let Work::InvokePipeline { definition, earlier, wait, .. } = &run.work else {
        return Err(Trouble::configuration("The action starts no pipeline."));
    };
    if let Some(id) = earlier
        && again(cx, claimed, run, id).await?
    {
        return Ok(());
    }
    let emitted = match definition {
        Some(file) => {
            let text = artifact_file::text(acting, claimed, run, file).await?;
            Some(Arc::new(read_emitted(cx, &claimed.machine_id, run, &text).await.map_err(trouble)?))
        }
        None => None,
    };
    let (inner, mine, run) = (cx.clone(), claimed.clone(), run.clone());
    let begun = cx.store.write(move |tx| {
        let (cx, claimed, run, emitted) = (inner.clone(), mine.clone(), run.clone(), emitted.clone());
        Box::pin(async move { begin_in(tx, &cx, &claimed, &run, emitted.as_deref()).await })
    });
    match begun.await {
        // Whoever waits for the execution anyhow waits for its turn, too, until the action's time is up.
        Err(e) if *wait && e.code == TOO_MANY => {
            tracing::info!(why = %e, "an action waits until its pipeline has room for another execution");
            Ok(answer::later(cx, claimed, LOOK_AGAIN).await?)
        }
        begun => begun.map_err(trouble),
    }
}

/// What was done of it is undone: a pipeline that was made for it, too.
fn trouble(error: ApiError) -> Trouble {
    match error.kind {
        ErrorKind::Client => {
            let message =
                format!("Error calling startPipelineExecution: {} (Error Code: {})", error.message, error.code);
            Trouble::configuration(message)
        }
        ErrorKind::Server => Trouble::Ours(PerformError::new("start the pipeline of an action", error)),
    }
}

/// Whether the execution that was started before goes on for this attempt, or nobody wants it to: the effect is done then.
async fn again(cx: &Cx, claimed: &Claimed, run: &RunAction, id: &str) -> Result<bool, PerformError> {
    let (inner, claimed, run, id) = (cx.clone(), claimed.clone(), run.clone(), id.to_owned());
    let told = cx.store.write(move |tx| {
        let (cx, claimed, run, id) = (inner.clone(), claimed.clone(), run.clone(), id.clone());
        Box::pin(async move {
            let row = machine::get_locked::<Execution>(tx, &claimed.machine_id).await?;
            if let Some(row) = row.filter(|row| row.state.wants(&claimed.key)) {
                // The action still waits for an answer, which `begin_in` gives.
                if row.state.stop_request().is_some() {
                    return Ok(false);
                }
                let begun = started(&cx, &claimed, &run, id.clone());
                answer::step(tx, &claimed.machine_id, begun).await?;
                retry_invoked(tx, &cx, &row.state, (&claimed.key, &id)).await?;
            }
            outbox::finish(tx, &claimed).await?;
            Ok::<_, ApiError>(true)
        })
    });
    match told.await {
        Ok(is_done) => Ok(is_done),
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
    emitted: Option<&Emitted>,
) -> Result<(), ApiError> {
    let row = machine::get_locked::<Execution>(tx, &claimed.machine_id).await?;
    if let Some(row) = row.filter(|row| row.state.wants(&claimed.key)) {
        if row.state.stop_request().is_some() {
            let result = failed("JobFailed", "The execution is stopping: no other was started.".to_owned());
            let input = ExecutionInput::ActionFinished { key: claimed.key.clone(), result };
            answer::step(tx, &claimed.machine_id, input).await?;
        } else {
            if let Some(emitted) = emitted {
                emit_pipeline(tx, cx, &row.state, run, emitted).await?;
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
