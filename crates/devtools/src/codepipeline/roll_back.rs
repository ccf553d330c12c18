//! Beginning a rollback: by hand, and for an execution that failed.

use base::{ApiError, Scope};
use engine::pipeline::{Execution, ExecutionInput, ExecutionState, GatesState, Phase, RollBack, Trigger};
use serde_json::json;
use store::machine::{self, MachineRow, NewMachine};
use store::{AdvanceError, Tx};

use super::load;

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
    let name = &row.state.definition.name;
    let (state, why) = match load::locked(tx, &row.scope, name).await? {
        // Deleted in the same moment.
        None => (None, Some("The pipeline was deleted.".to_owned())),
        Some(gates) => match newest_target(tx, &gates, &asked.stage).await? {
            None => {
                let stage = &asked.stage;
                let why = "no execution has been successful in it under the current version of the pipeline";
                (None, Some(format!("Stage '{stage}' was not rolled back: {why}.")))
            }
            Some(target) => {
                let detail = json!({"FailedPipelineExecutionId": failed}).to_string();
                let trigger = Trigger { kind: "AutomatedRollback".to_owned(), detail };
                let rollback = target.state.rollback(&asked.stage, gates.version, asked.execution.clone(), trigger);
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
    gates: &GatesState,
    stage: &str,
) -> Result<Option<MachineRow<Execution>>, store::Error> {
    match gates.gate(stage).and_then(|gate| gate.succeeded.as_ref()) {
        Some(id) => machine::get::<Execution>(tx, id).await,
        None => Ok(None),
    }
}
