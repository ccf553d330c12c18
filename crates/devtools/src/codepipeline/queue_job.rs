//! Makes the job of an action, for the driver.

use base::{ApiError, Scope};
use engine::job::{Job, JobArtifact, JobInput, JobState, NewJob};
use engine::pipeline::{ExecutionState, RunAction, Work};
use platform::Cx;
use store::machine::{self, NewMachine};
use store::{AdvanceError, Tx};

use super::{action_types, errors, job_view, secrets};

/// Makes the job of the action under the effect key `key`; one that is there is left alone. An error of a client is the
/// action's failure.
pub async fn queue_job(
    tx: &mut Tx,
    scope: &Scope,
    key: &str,
    run: RunAction,
    execution: &ExecutionState,
) -> Result<(), ApiError> {
    let Work::Worker { action_type, configuration } = run.work else {
        return Err(ApiError::internal("a job was asked for by an action of another kind"));
    };
    let id = NewJob::id(key, 1);
    if machine::get::<Job>(tx, &id).await?.is_some() {
        return Ok(());
    }
    let kind = action_types::find_locked(tx, scope, &action_type).await?;
    let kind = kind.ok_or_else(|| errors::action_type_not_found(&action_type))?;
    let name = execution.action_by_key(key).map_or(run.action.as_str(), |run| run.declared_name());
    let declared = execution.definition.stage(&run.stage).and_then(|stage| stage.action(name));
    let sealed = declared.map(|action| secrets::sealed(&action.configuration));
    let revisions = &execution.source_revisions;
    let revision = |name: &str| revisions.iter().find(|r| r.artifact == name).map(|r| r.revision.id.clone());
    let inputs = run.inputs.into_iter();
    let parent = NewJob::queue(&action_type);
    let state = JobState::new(NewJob {
        id: id.clone(),
        scope: scope.clone(),
        execution: run.execution,
        key: key.to_owned(),
        pipeline: run.pipeline,
        stage: run.stage,
        action: run.action,
        action_execution: run.id,
        action_type,
        settings: kind.settings.unwrap_or_default(),
        configuration,
        sealed,
        inputs: inputs.map(|artifact| JobArtifact { revision: revision(&artifact.name), artifact }).collect(),
        outputs: run.outputs,
        role_arn: run.role_arn,
        encryption_key: run.encryption_key,
        continuation: None,
        number: 1,
    });
    machine::create(tx, NewMachine::<Job> { id, scope: scope.clone(), parent, state }).await?;
    Ok(())
}

/// Takes back the jobs of the action under the effect key `key`: nobody wants their results any more.
pub async fn cancel_jobs(cx: &Cx, key: &str) -> Result<(), ApiError> {
    let key = key.to_owned();
    let cancelled = cx.store.write(move |tx| {
        let mut id = NewJob::id(&key, 1);
        Box::pin(async move {
            while let Some(row) = machine::get::<Job>(tx, &id).await? {
                match store::advance::<Job>(tx, &id, JobInput::Cancel).await {
                    Ok(_) | Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => {}
                    Err(AdvanceError::Store(e)) => return Err(e.into()),
                }
                // Only now nobody is issued others.
                job_view::revoke(tx, &row.state).await?;
                id = NewJob::id(&row.state.job.key, row.state.job.number.saturating_add(1));
            }
            Ok::<_, ApiError>(())
        })
    });
    cancelled.await?;
    cx.credentials.forget();
    Ok(())
}
