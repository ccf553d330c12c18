//! An action that runs several times side by side: which runs it has, and what they come to together.

use std::collections::BTreeMap;

use formats::pipeline::{ActionDeclaration, MATRIX, Matrix, Values, resolve};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::{configuration_error, variable};
use super::{ActionError, ActionRun, ActionStatus, ExecutionState, StageRun};

/// Which run of a matrix an action run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// From 1.
    pub number: u32,
    pub values: Values,
}

impl Cell {
    /// The runs of a matrix, in order.
    pub(super) fn all(runs: Vec<Values>) -> impl Iterator<Item = Cell> {
        (1..).zip(runs).map(|(number, values)| Cell { number, values })
    }
}

impl ActionRun {
    /// The name of the action that it runs: its own, without the number that a run of a matrix has behind it.
    pub fn declared_name(&self) -> &str {
        match (&self.cell, self.name.rsplit_once('@')) {
            (Some(_), Some((name, _))) => name,
            (Some(_), None) | (None, _) => &self.name,
        }
    }

    /// The configuration that it ran with: a run of a matrix keeps what differs from the declaration alone, and has its own
    /// values where the matrix stood.
    pub fn configuration(&self, declared: &ActionDeclaration) -> BTreeMap<String, String> {
        let Some(cell) = &self.cell else { return self.resolved.clone() };
        let mut all = declared.configuration.clone();
        all.extend(self.resolved.clone());
        all.remove(formats::pipeline::MATRIX_FILE);
        all.insert(MATRIX.to_owned(), serde_json::json!(cell.values).to_string());
        all
    }
}

impl StageRun {
    /// The runs of an action, in the order of its matrix; one, if it has none. What reads the matrix is none of them.
    pub fn runs_of(&self, action: &ActionDeclaration) -> Vec<&ActionRun> {
        let has_matrix = action.matrix().is_some();
        let of = |run: &&ActionRun| run.declared_name() == action.name && run.cell.is_some() == has_matrix;
        let mut runs: Vec<&ActionRun> = self.actions.iter().filter(of).collect();
        runs.sort_by_key(|run| run.cell.as_ref().map(|cell| cell.number));
        runs
    }
}

impl ExecutionState {
    /// The newest runs of an action, in whichever attempt at its stage: what has read its matrix, then the runs in order.
    pub fn latest_runs(&self, stage: &str, action: &ActionDeclaration) -> Vec<&ActionRun> {
        let of = |run: &&ActionRun| run.declared_name() == action.name;
        let newest = self.stages.iter().rev().filter(|s| s.name == stage).find(|s| s.actions.iter().any(|a| of(&a)));
        let mut runs: Vec<&ActionRun> = newest.into_iter().flat_map(|s| &s.actions).filter(of).collect();
        runs.sort_by_key(|run| run.cell.as_ref().map(|cell| cell.number));
        runs
    }
}

/// What a name in the namespace of an action with a matrix stands for: a JSON list of what its runs have under it. One without
/// it has null there.
pub(super) fn values_of(stage: &StageRun, action: &ActionDeclaration, key: &str) -> Option<String> {
    let value = |run: &&ActionRun| match &run.status {
        ActionStatus::Succeeded { variables, .. } => variables.get(key).cloned(),
        ActionStatus::Working
        | ActionStatus::AwaitingApproval { .. }
        | ActionStatus::Failed(_)
        | ActionStatus::Abandoned => None,
    };
    let list: Vec<Option<String>> = stage.runs_of(action).iter().map(value).collect();
    list.iter().any(Option::is_some).then(|| list.into_iter().map(Value::from).collect::<Value>().to_string())
}

/// The runs of a matrix that stands in the configuration. Variables go into it after it was read: what they hold adds no run,
/// unless one of them is the matrix.
pub(super) fn runs(state: &ExecutionState, action: &ActionDeclaration, text: &str) -> Result<Vec<Values>, ActionError> {
    let unresolved = |e: formats::pipeline::Unresolved| {
        configuration_error(action, &format!("the variable #{{{}}} of its matrix has no value", e.text))
    };
    let lookup = |text: &str| resolve(text, |namespace, key| variable(state, namespace, key)).map_err(unresolved);
    let matrix = match Matrix::parse(text) {
        Ok(matrix) => Ok(matrix.try_map(lookup)?),
        Err(_) => Matrix::parse(&lookup(text)?),
    };
    matrix
        .and_then(|matrix| matrix.values())
        .map_err(|why| configuration_error(action, &format!("the value of '{MATRIX}' is not a matrix: {why}")))
}
