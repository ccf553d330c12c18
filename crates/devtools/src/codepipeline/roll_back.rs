//! Beginning a rollback: by hand, and for an execution that failed.

use base::{ApiError, Ids, Scope};
use engine::pipeline::{Execution, ExecutionInput, ExecutionState, GatesState, NewRollback, Phase, RollBack, Trigger};
use serde_json::json;
use store::machine::{self, MachineRow, NewMachine, Position};
use store::{AdvanceError, Tx};

use super::{load, start};

/// How many executions are read at a time when a target is looked for among all.
const BATCH: u32 = 20;

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
pub async fn roll_back_failed(tx: &mut Tx, ids: &dyn Ids, failed: &str, asked: &RollBack) -> Result<(), ApiError> {
    let Some(row) = machine::get::<Execution>(tx, failed).await? else { return Ok(()) };
    if !matches!(row.state.phase, Phase::HandingOver { .. }) {
        return Ok(());
    }
    let name = &row.state.definition.name;
    let (state, why) = match load::locked(tx, &row.scope, name).await? {
        // Deleted in the same moment.
        None => (None, Some("The pipeline was deleted.".to_owned())),
        Some(gates) => match newest_target(tx, (&row.scope, name), &gates, &asked.stage).await? {
            None => {
                let stage = &asked.stage;
                let why = "no execution has been successful in it under the current version of the pipeline";
                (None, Some(format!("Stage '{stage}' was not rolled back: {why}.")))
            }
            Some(target) => {
                let detail = json!({"FailedPipelineExecutionId": failed}).to_string();
                let trigger = Trigger { kind: "AutomatedRollback".to_owned(), detail };
                let new = NewRollback {
                    id: asked.execution.clone(),
                    trigger,
                    // Those who started what failed have brought it about.
                    starters: row.state.starters.clone(),
                    salt: start::salt(ids),
                };
                let rollback = target.state.rollback(&asked.stage, gates.version, new);
                let why = |_| format!("Stage '{}' cannot be rolled back to execution {}.", asked.stage, target.id);
                rollback.map_err(why).map_or_else(|why| (None, Some(why)), |state| (Some(state), None))
            }
        },
    };
    let by = state.as_ref().map(|s| s.id.clone());
    if let Some(state) = state {
        begin(tx, &row.scope, state).await?;
    }
    match store::advance::<Execution>(tx, failed, ExecutionInput::RolledBack { by, why }).await {
        Ok(_) => Ok(()),
        Err(AdvanceError::Store(e)) => Err(e.into()),
        // Another server was faster: what this one has made is undone with the transaction.
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => Err(ApiError::internal("a rollback began twice")),
    }
}

/// The execution that was successful in the stage last.
async fn newest_target(
    tx: &mut Tx,
    (scope, pipeline): (&Scope, &str),
    gates: &GatesState,
    stage: &str,
) -> Result<Option<MachineRow<Execution>>, ApiError> {
    match gates.gate(stage) {
        None => Ok(None),
        Some(gate) => match &gate.succeeded {
            Some(id) => Ok(machine::get::<Execution>(tx, id).await?),
            None if gate.keeps_success => Ok(None),
            None => newest_of_all(tx, scope, pipeline, stage).await,
        },
    }
}

/// The same for gates that have not heard of every success: an earlier program has let executions through them.
async fn newest_of_all(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &str,
    stage: &str,
) -> Result<Option<MachineRow<Execution>>, ApiError> {
    let pipeline = load::pipeline(tx, scope, pipeline).await?;
    let arn = load::arn(scope, &pipeline.name);
    let mut after: Option<Position> = None;
    loop {
        let rows = machine::list::<Execution>(tx, scope, Some(&arn), after.as_ref(), BATCH, true).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        after = Some(last.position());
        for row in rows {
            // Versions only grow: behind an older one stands no current one.
            if !load::belongs(&row, scope, &pipeline) || row.state.version < pipeline.version {
                return Ok(None);
            }
            if row.state.rollback_target(stage, pipeline.version).is_ok() {
                return Ok(Some(row));
            }
        }
    }
}
