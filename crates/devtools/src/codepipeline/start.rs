//! Beginning an execution.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Ids, Scope};
use engine::pipeline::{
    Execution, ExecutionInput, ExecutionState, NewExecution, ParentAction, SourceOverride, Trigger,
};
use formats::pipeline::PipelineDeclaration;
use store::machine::{self, NewMachine};
use store::tables::codepipeline_declaration;
use store::{AdvanceError, Tx};

use super::load;

/// What an execution begins with.
pub(super) struct Start {
    pub id: String,
    pub trigger: Trigger,
    /// Values that replace the declaration's defaults.
    pub variables: BTreeMap<String, String>,
    pub overrides: Vec<SourceOverride>,
    /// The action that invoked it.
    pub parent: Option<ParentAction>,
    /// Who brings it about, as far as that is known (ARNs).
    pub starters: Vec<String>,
    /// Random: see [`salt`].
    pub salt: String,
}

/// What the tokens of an execution's approvals are derived from. Nobody is told.
pub(super) fn salt(ids: &dyn Ids) -> String {
    ids.uuid().to_string()
}

/// Makes the execution and sets it going; one with this id that exists already is left alone. Nothing begins when the pipeline
/// is deleted in the same moment.
pub(super) async fn start(
    tx: &mut Tx,
    scope: &Scope,
    declaration: Arc<PipelineDeclaration>,
    start: Start,
) -> Result<(), store::Error> {
    if machine::get::<Execution>(tx, &start.id).await?.is_some() {
        return Ok(());
    }
    let Some(gates) = load::locked(tx, scope, &declaration.name).await? else { return Ok(()) };
    // Updated since the declaration was read.
    let newest = match declaration.version {
        Some(version) if version != gates.version => {
            codepipeline_declaration::get(tx, scope, &declaration.name, gates.version).await?
        }
        Some(_) | None => None,
    };
    let declaration = newest.unwrap_or(declaration);
    let parent = load::arn(scope, &declaration.name);
    let defaults = declaration.variables.iter().filter_map(|v| Some((v.name.clone(), v.default_value.clone()?)));
    let mut variables: BTreeMap<String, String> = defaults.collect();
    variables.extend(start.variables);
    let mut state = ExecutionState::new(NewExecution {
        id: start.id.clone(),
        scope: scope.clone(),
        definition: declaration,
        trigger: start.trigger,
        variables,
        overrides: start.overrides,
        starters: start.starters,
        salt: start.salt,
    });
    state.parent = start.parent;
    let row = NewMachine::<Execution> { id: start.id.clone(), scope: scope.clone(), parent, state };
    machine::create(tx, row).await?;
    match store::advance::<Execution>(tx, &start.id, ExecutionInput::Start).await {
        Ok(_) => Ok(()),
        Err(AdvanceError::Store(e)) => Err(e),
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => unreachable!("a new execution takes its start"),
    }
}
