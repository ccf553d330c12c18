//! Beginning a rollback: by hand, and for an execution that failed.

use base::{ApiError, Scope};
use engine::pipeline::{Execution, ExecutionInput, ExecutionState, Phase, RollBack, Trigger};
use serde_json::json;
use store::machine::{self, MachineRow, NewMachine, Position};
use store::tables::codepipeline_pipeline::{self, Row};
use store::{AdvanceError, Tx};

use super::load;

/// Executions read at once while the target is looked for.
const BATCH: u32 = 50;

/// Makes the execution of a rollback and starts it; it then waits to be given its stage.
pub(super) async fn begin(tx: &mut Tx, scope: &Scope, state: ExecutionState) -> Result<(), store::Error> {
    let id = state.id.clone();
    let parent = load::arn(scope, &state.definition.name);
    machine::create(tx, NewMachine::<Execution> { id: id.clone(), scope: scope.clone(), parent, state }).await?;
    match store::advance::<Execution>(tx, &id, ExecutionInput::Start).await {
        Ok(_) => Ok(()),
        Err(AdvanceError::Store(e)) => Err(e),
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => unreachable!("a new execution takes its start"),
    }
}

/// Rolls the stage of an execution that failed back to the execution that was successful in it last, if there is one
/// under the current definition. Asking twice begins one rollback.
pub async fn roll_back_failed(tx: &mut Tx, failed: &str, asked: &RollBack) -> Result<(), ApiError> {
    let Some(row) = machine::get::<Execution>(tx, failed).await? else { return Ok(()) };
    if !matches!(row.state.phase, Phase::HandingOver { .. }) {
        return Ok(());
    }
    let pipeline = codepipeline_pipeline::get(tx, &row.scope, &row.state.definition.name).await?;
    let target = match &pipeline {
        Some(pipeline) if load::belongs(&row, &row.scope, pipeline) => {
            newest_target(tx, &row.scope, pipeline, &asked.stage).await?
        }
        _ => None,
    };
    let detail = json!({"FailedPipelineExecutionId": failed}).to_string();
    let trigger = Trigger { kind: "AutomatedRollback".to_owned(), detail };
    let state = target.zip(pipeline).and_then(|(target, pipeline)| {
        target.state.rollback(&asked.stage, pipeline.version, asked.execution.clone(), trigger).ok()
    });
    let by = state.as_ref().map(|s| s.id.clone());
    if let Some(state) = state {
        begin(tx, &row.scope, state).await?;
    }
    match store::advance::<Execution>(tx, failed, ExecutionInput::RolledBack { by }).await {
        Ok(_) => Ok(()),
        Err(AdvanceError::Store(e)) => Err(e.into()),
        // Another server was faster: what this one has made is undone with the transaction.
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => Err(ApiError::internal("a rollback began twice")),
    }
}

async fn newest_target(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &Row,
    stage: &str,
) -> Result<Option<MachineRow<Execution>>, store::Error> {
    let arn = load::arn(scope, &pipeline.name);
    let mut after: Option<Position> = None;
    loop {
        let rows = machine::list::<Execution>(tx, scope, Some(&arn), after.as_ref(), BATCH, true).await?;
        let is_last = rows.len() < BATCH as usize;
        for row in rows {
            // Versions only grow: behind an older one stands no current one.
            if !load::belongs(&row, scope, pipeline) || row.state.version < pipeline.version {
                return Ok(None);
            }
            if row.state.rollback_target(stage, pipeline.version).is_ok() {
                return Ok(Some(row));
            }
            after = Some(row.position());
        }
        if is_last {
            return Ok(None);
        }
    }
}
