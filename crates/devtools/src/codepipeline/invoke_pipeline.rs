//! The action that starts another pipeline.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-PipelineInvoke.html>
//!
//! Beyond AWS: with `HeadworksWait` the action ends as the execution does, stopping one stops the other, and a retry of the failed
//! action tries the execution again in the stage in which it failed, if that can be.

use base::{ApiError, Scope};
use engine::pipeline::{
    Execution, ExecutionInput, ExecutionState, Mode, ParentAction, ParentRetry, RunAction, Trigger, Work,
};
use platform::Cx;
use serde::de::DeserializeOwned;
use store::{Tx, machine};

use super::retry_stage_execution::{come_back, refused};
use super::start_pipeline_execution::{SourceRevisionOverride, Variable, overrides, variables, within_limit};
use super::{errors, load, start};

/// How many executions may stand above one another: a pipeline that invokes itself comes to an end.
const MAX_DEPTH: u32 = 10;

/// Starts the pipeline that an action of `parent` names, under an id that the effect's key gives: asked again, it is the same
/// execution. Gives its id.
pub async fn invoke_pipeline(
    tx: &mut Tx,
    cx: &Cx,
    parent: &ExecutionState,
    (key, run): (&str, &RunAction),
) -> Result<String, ApiError> {
    let Work::InvokePipeline { pipeline, variables: given, revisions, wait, .. } = &run.work else {
        return Err(ApiError::internal("a pipeline was invoked by an action of another kind"));
    };
    let depth = parent.parent.as_ref().map_or(0, |p| p.depth) + 1;
    if depth > MAX_DEPTH {
        let what = format!("More than {MAX_DEPTH} executions would have started one another");
        return Err(errors::validation(what));
    }
    // The action's region may be another than its pipeline's.
    let scope: Scope = cx.scope().clone();
    let gates = load::locked(tx, &scope, pipeline).await?;
    let row = load::pipeline(tx, &scope, pipeline).await?;
    let declaration = load::declaration(tx, &scope, &row, None).await?;
    if *wait && Mode::of(&declaration) != Mode::Parallel && is_among(tx, parent, &scope, pipeline).await? {
        let what = format!(
            "An execution of pipeline {pipeline} would wait for the one that waits for it: only in mode PARALLEL can a pipeline wait for an execution of its own"
        );
        return Err(errors::validation(what));
    }
    let begin = start::Start {
        id: base::derived_uuid(&["invoke", key]).to_string(),
        trigger: Trigger { kind: "StartPipelineExecution".to_owned(), detail: run.role_arn.clone() },
        variables: variables(&declaration, list::<Variable>("Variables", given)?)?,
        overrides: overrides(&declaration, list::<SourceRevisionOverride>("SourceRevisions", revisions)?)?,
        starters: starters(parent),
        salt: start::salt(&*cx.ids),
        parent: Some(ParentAction { execution: parent.id.clone(), key: key.to_owned(), waits: *wait, depth }),
    };
    let id = begin.id.clone();
    if machine::get::<Execution>(tx, &id).await?.is_none() {
        within_limit(gates.as_ref(), &row.name, cx.site.max_executions)?;
    }
    start::start(tx, &scope, declaration, begin).await?;
    Ok(id)
}

/// Whether the execution, or one that waits for it, is of this pipeline.
async fn is_among(tx: &mut Tx, execution: &ExecutionState, scope: &Scope, pipeline: &str) -> Result<bool, ApiError> {
    let mut at = Some(execution.clone());
    while let Some(execution) = at {
        if execution.scope == *scope && execution.definition.name == pipeline {
            return Ok(true);
        }
        at = match execution.parent.filter(|parent| parent.waits) {
            Some(parent) => machine::get::<Execution>(tx, &parent.execution).await?.map(|row| row.state),
            None => None,
        };
    }
    Ok(false)
}

/// Whoever brought the parent about, by a push too, has brought about its children.
fn starters(parent: &ExecutionState) -> Vec<String> {
    let pushers = parent.source_revisions.iter().flat_map(|source| &source.revision.pushers);
    let mut all: Vec<String> = parent.starters.iter().chain(pushers).cloned().collect();
    all.sort();
    all.dedup();
    all
}

fn list<T: DeserializeOwned>(key: &str, text: &str) -> Result<Vec<T>, ApiError> {
    serde_json::from_str(text).map_err(|e| errors::validation(format!("The value of '{key}' is not valid: {e}")))
}

/// Tries the execution `id` again that an action of `parent` started in an earlier attempt, for the action under the effect key
/// `key`, which waits for it from now on. An error of a client says why it cannot be: give the transaction up then.
pub async fn retry_invoked(
    tx: &mut Tx,
    cx: &Cx,
    parent: &ExecutionState,
    (key, id): (&str, &str),
) -> Result<(), ApiError> {
    let row = machine::get::<Execution>(tx, id).await?;
    let Some((child, (stage, mode))) = row.and_then(|row| Some((row.state.clone(), row.state.retry_for(&parent.id)?)))
    else {
        return Err(errors::validation(format!("Execution {id} is not one to be tried again")));
    };
    let pipeline = child.definition.name.as_str();
    come_back(tx, &child.scope, (pipeline, &stage), id, cx.site.max_executions, errors::not_retryable).await?;
    let parent = Some(ParentRetry { key: key.to_owned(), starters: starters(parent) });
    let retry = ExecutionInput::RetryStage { stage: stage.clone(), mode, by: None, parent };
    store::advance::<Execution>(tx, id, retry).await.map_err(|e| refused(pipeline, &stage, e))?;
    Ok(())
}

/// Stops an execution whose parent does not wait for it any more, or, `gently`, when its running actions have ended.
pub async fn stop_invoked(tx: &mut Tx, id: &str, by: &str, gently: bool) -> Result<(), store::Error> {
    let reason = Some("The execution that invoked this one was stopped.".to_owned());
    let stop = ExecutionInput::Stop { abandon: !gently, reason, by: by.to_owned() };
    match store::advance::<Execution>(tx, id, stop).await {
        // It has ended before.
        Ok(_) | Err(store::AdvanceError::NotFound | store::AdvanceError::Refused(_)) => Ok(()),
        Err(store::AdvanceError::Store(e)) => Err(e),
    }
}
