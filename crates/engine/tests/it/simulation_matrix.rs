//! Matrices in the simulation: what their files hold, and what must hold of their runs.

use std::collections::BTreeMap;

use engine::pipeline::{
    ActionRun, ActionStatus, ArtifactFile, Begun, ExecutionInput, ExecutionState, Phase, RunAction, StageRun,
    StageStatus, Will,
};
use formats::pipeline::{ActionDeclaration, Matrix, MatrixSource, Provider, RetryMode, Values, references};

use crate::simulation::Simulation;
use crate::simulation_emitted::failed;
use crate::simulation_seen::*;

impl Simulation {
    /// As the performer does: it reads the file and says what is in it, in one transaction.
    pub fn read_matrix(&mut self, execution: &str, key: &str, run: &RunAction, file: &ArtifactFile) {
        let place =
            (run.inputs.iter().find(|a| a.name == file.artifact).expect("its input").key.clone(), file.path.clone());
        let known = self.outside.matrices.get(&place).cloned();
        let there = known.unwrap_or_else(|| self.any_matrix());
        self.outside.matrices.insert(place, there.clone());
        let runs = there.filter(|_| !self.rng.chance(10));
        let input = match &runs {
            Some(runs) => ExecutionInput::MatrixRead { key: key.to_owned(), runs: runs.clone() },
            None => ExecutionInput::ActionFinished { key: key.to_owned(), result: failed("it is not a matrix") },
        };
        self.world.execution(execution, input.clone()).expect("somebody waits for the matrix");
        assert!(self.world.execution(execution, input).is_err(), "a matrix is read once");
        let state = self.world.state(execution);
        let status = &state.action_by_key(key).expect("what reads it").status;
        match status {
            ActionStatus::Succeeded { .. } => {
                saw(MATRIX_READ);
                self.outside.read.insert(key.to_owned(), runs.expect("what succeeded was a matrix"));
            }
            ActionStatus::Failed(_) => saw(MATRIX_REFUSED),
            ActionStatus::Abandoned => saw(MATRIX_READ_LATE),
            ActionStatus::Working | ActionStatus::AwaitingApproval { .. } => panic!("{key} was read and is {status:?}"),
        }
    }

    /// What is in a file; `None`: nothing that could be a matrix.
    fn any_matrix(&mut self) -> Option<Vec<Values>> {
        let value = |name: &str, n: usize| Values::from([(name.to_owned(), ["a", "b", "c"][n].to_owned())]);
        match self.rng.below(20) {
            0 => None,
            1 => Some(Vec::new()),
            2 => Some(vec![value("value", 0), value("value", 0)]),
            // One has no value under the name that the action uses.
            3 | 4 => Some(vec![value("value", 0), value("other", 1)]),
            5..=9 => Some(vec![value("value", 0)]),
            10..=15 => Some((0..2).map(|n| value("value", n)).collect()),
            _ => Some((0..3).map(|n| value("value", n)).collect()),
        }
    }

    /// What an execution says of the runs of its matrices.
    pub fn check_matrices(&self, state: &ExecutionState) {
        for (n, record) in state.stages.iter().enumerate() {
            let Some(declared) = state.definition.stage(&record.name) else { continue };
            let is_last = state.stages.iter().skip(n + 1).all(|later| later.name != record.name);
            check_groups(record);
            if is_last {
                check_status(record, declared.actions.as_slice());
            }
            for action in declared.actions.iter().filter(|a| a.matrix().is_some()) {
                self.check_runs(state, record, action, is_last);
            }
            if is_last {
                check_lists(record, declared.actions.as_slice());
            }
        }
    }

    fn check_runs(&self, state: &ExecutionState, record: &StageRun, action: &ActionDeclaration, is_last: bool) {
        let runs = record.runs_of(action);
        let numbers: Vec<u32> = runs.iter().map(|run| run.cell.as_ref().expect("a run of a matrix").number).collect();
        assert!(numbers.is_sorted_by(|one, other| one < other), "{}: the runs {numbers:?}", action.name);
        for run in &runs {
            let cell = run.cell.as_ref().expect("a run of a matrix");
            assert_eq!(run.name, format!("{}@{}", action.name, cell.number));
            let head = format!("{}/{}/{}/", state.id, record.name, run.name);
            let attempt = run.key.strip_prefix(&head).and_then(|n| n.parse::<u32>().ok());
            assert!(
                attempt.is_some_and(|n| (1..=record.attempt).contains(&n)),
                "{} in attempt {}",
                run.key,
                record.attempt
            );
            let asked = self.world.effect_keys.contains(&run.key);
            assert!(asked || is_stillborn(run), "{} was never asked for and is {:?}", run.key, run.status);
        }
        let whole: Vec<&ActionRun> = record.actions.iter().filter(|run| run.name == action.name).collect();
        assert!(whole.len() <= 1, "{} was read twice in one attempt", action.name);
        let reader = whole.first();
        let begun = is_last && (reader.is_some() || !runs.is_empty());
        if !begun {
            return;
        }
        let expected: Option<Vec<Values>> = match (action.matrix().expect("a matrix"), reader) {
            (MatrixSource::Text(_), Some(reader)) => {
                assert!(is_stillborn(reader), "a matrix that is written down is not read: {reader:?}");
                Some(Vec::new())
            }
            (MatrixSource::Text(text), None) if references(text).is_empty() => {
                Some(Matrix::parse(text).and_then(|matrix| matrix.values()).expect("a matrix"))
            }
            (MatrixSource::Text(text), None) => {
                saw(MATRIX_OF_VARIABLE);
                list_of(state, text)
            }
            (MatrixSource::File(_), Some(reader)) => match reader.status {
                ActionStatus::Succeeded { .. } => Some(self.outside.read[&reader.key].clone()),
                _ => Some(Vec::new()),
            },
            (MatrixSource::File(_), None) => panic!("{} has runs and nobody has read its matrix", action.name),
        };
        let values: Vec<&Values> = runs.iter().filter_map(|run| run.cell.as_ref()).map(|cell| &cell.values).collect();
        if let Some(expected) = expected {
            assert_eq!(values, expected.iter().collect::<Vec<_>>(), "the runs of {}", action.name);
        }
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u32), "{}: the runs {numbers:?}", action.name);
    }

    /// Every run that was begun has come to one end, elsewhere as here.
    pub fn final_check_of_matrices(&self, state: &ExecutionState) {
        for record in &state.stages {
            let declared = |run: &ActionRun| state.definition.stage(&record.name)?.action(run.declared_name());
            for run in &record.actions {
                assert!(run.is_ended(), "{} has not ended", run.key);
                let Some(action) = declared(run).filter(|a| a.matrix().is_some()) else { continue };
                if run.cell.is_none() {
                    continue;
                }
                saw(match &run.status {
                    ActionStatus::Succeeded { .. } => RUN_SUCCEEDED,
                    ActionStatus::Failed(_) if is_stillborn(run) => RUN_STILLBORN,
                    ActionStatus::Failed(_) => RUN_FAILED,
                    _ => RUN_ABANDONED,
                });
                if run.cell.as_ref().is_some_and(|cell| cell.number == 1) {
                    saw(MATRIX);
                }
                let succeeded = matches!(run.status, ActionStatus::Succeeded { .. });
                let done = match action.provider() {
                    Some(Provider::CodeBuild) => self.outside.begun.contains_key(&run.key),
                    Some(Provider::Worker) => self.world.jobs.values().any(|row| row.state.job.key == run.key),
                    Some(Provider::Pipeline) => {
                        run.external.id.as_ref().is_some_and(|id| self.world.executions.contains_key(id))
                    }
                    other => panic!("no matrix of {other:?}"),
                };
                assert!(done || !succeeded, "{} has succeeded and nobody has done it", run.key);
                if done && action.provider() == Some(Provider::Pipeline) {
                    saw(CHILD_OF_RUN);
                }
            }
            let is_partial = |run: &ActionRun| run.cell.is_some() && run.key.ends_with(&format!("/{}", record.attempt));
            let others = |run: &ActionRun| run.cell.is_some() && !is_partial(run);
            if matches!(record.begun, Begun::Retried { mode: RetryMode::FailedActions, .. })
                && record.actions.iter().any(is_partial)
                && record.actions.iter().any(others)
            {
                saw(RUNS_RETRIED_ALONE);
            }
        }
    }
}

/// The runs of a matrix that is `#{N0.List}` alone, as long as the execution itself has the source with that namespace.
fn list_of(state: &ExecutionState, text: &str) -> Option<Vec<Values>> {
    let source = state.definition.source_actions().find(|a| a.namespace.as_deref() == Some("N0"))?;
    let run = state.stages.iter().rev().find_map(|stage| stage.action(&source.name))?;
    let ActionStatus::Succeeded { variables, .. } = &run.status else { return None };
    let whole = variables.get("List").filter(|_| text == "#{N0.List}")?;
    Some(Matrix::parse(whole).and_then(|matrix| matrix.values()).expect("what has runs is a matrix"))
}

/// What could not be prepared failed as it began: nothing was asked for.
fn is_stillborn(run: &ActionRun) -> bool {
    matches!(run.status, ActionStatus::Failed(_)) && run.started == run.updated && run.external.id.is_none()
}

/// Actions of a run order begin when all of the orders before have succeeded.
fn check_groups(record: &StageRun) {
    let last = record.actions.iter().map(|run| run.run_order).max().unwrap_or_default();
    for run in record.actions.iter().filter(|run| run.run_order < last) {
        let succeeded = matches!(run.status, ActionStatus::Succeeded { .. });
        assert!(succeeded, "{} is {:?}, and the next run order has begun", run.key, run.status);
    }
}

/// The stage is what its actions are.
fn check_status(record: &StageRun, declared: &[ActionDeclaration]) {
    let failed = record.actions.iter().any(|run| matches!(run.status, ActionStatus::Failed(_)));
    match record.status {
        StageStatus::Succeeded => {
            let begun = |action: &ActionDeclaration| !record.runs_of(action).is_empty();
            let missing: Vec<&str> = declared.iter().filter(|a| !begun(a)).map(|a| a.name.as_str()).collect();
            assert!(missing.is_empty(), "stage {} has succeeded without {missing:?}", record.name);
            let all = record.actions.iter().all(|run| matches!(run.status, ActionStatus::Succeeded { .. }));
            assert!(all, "stage {} has succeeded with {:?}", record.name, record.actions);
        }
        StageStatus::Failed => {
            assert!(failed || !record.conditions.is_empty(), "stage {} has failed for no reason", record.name);
        }
        StageStatus::InProgress | StageStatus::Stopping => return,
        StageStatus::Skipped | StageStatus::Stopped | StageStatus::Cancelled => {}
    }
    let busy = record.actions.iter().find(|run| !run.is_ended());
    assert!(busy.is_none(), "stage {} is {:?} with {busy:?}", record.name, record.status);
}

/// `#{Namespace.KEY}` of a matrix stands for what its runs have, in their order.
fn check_lists(record: &StageRun, declared: &[ActionDeclaration]) {
    for fan in declared.iter().filter(|a| a.matrix().is_some()) {
        let Some(namespace) = &fan.namespace else { continue };
        for (key, name) in [("ObjectKey", "Sometimes"), ("ObjectKey", "V")] {
            let text = format!("#{{{namespace}.{name}}}");
            for action in declared.iter().filter(|a| a.config(key) == Some(text.as_str())) {
                let begun = record.action(&action.name).and_then(|run| run.resolved.get(key));
                let Some(list) = begun else { continue };
                let list: Vec<Option<String>> = serde_json::from_str(list).expect("a list");
                let runs = record.runs_of(fan);
                let has = |run: &&ActionRun| match &run.status {
                    ActionStatus::Succeeded { variables, .. } => variables.get(name).cloned(),
                    status => panic!("{} is {status:?} and the next run order has begun", run.key),
                };
                // A retry of the later action leaves its first try behind, and takes the runs along.
                if !runs.is_empty() {
                    assert_eq!(list, runs.iter().map(has).collect::<Vec<_>>(), "what {} has", action.name);
                    saw(LIST_OF_RUNS);
                    if list.iter().any(Option::is_none) {
                        saw(LIST_WITH_NULL);
                    }
                }
            }
        }
    }
}

/// What no step may do: begin something in a stage that is about to be left, or repeat in a retry of what has failed something
/// that has not.
pub fn check_step(before: &ExecutionState, after: &ExecutionState) {
    if let Phase::Running { will: Will::Stop(_) | Will::Cancel, .. } = before.phase {
        let keys = |state: &ExecutionState| -> Vec<String> {
            state.stages.iter().flat_map(|s| &s.actions).map(|run| run.key.clone()).collect()
        };
        assert_eq!(keys(before), keys(after), "{} is about to end and begins something", before.id);
    }
    for (n, record) in after.stages.iter().enumerate().skip(before.stages.len().max(1)) {
        if matches!(record.begun, Begun::Retried { mode: RetryMode::FailedActions, .. }) {
            check_retry(before, &after.stages[n - 1], record, n + 1 == after.stages.len());
        }
    }
}

fn check_retry(before: &ExecutionState, earlier: &StageRun, record: &StageRun, is_last: bool) {
    let mut wanted: BTreeMap<&str, &ActionRun> = BTreeMap::new();
    for run in &earlier.actions {
        let is_again = matches!(run.status, ActionStatus::Failed(_) | ActionStatus::Abandoned);
        assert!(is_again, "{} was left behind by a retry", run.key);
        wanted.insert(&run.name, run);
    }
    let is_new = |run: &&ActionRun| run.key.ends_with(&format!("/{}", record.attempt));
    let kept = |name: &str| {
        let name = name.to_owned();
        record.actions.iter().filter(move |run| !is_new(run) && run.declared_name() == name)
    };
    for run in record.actions.iter().filter(is_new) {
        let name = if wanted.contains_key(run.name.as_str()) { run.name.as_str() } else { run.declared_name() };
        let Some(first) = wanted.get(name) else {
            // Where an execution was stopped, what had not begun yet follows at once.
            let is_next = earlier.status == StageStatus::Stopped && kept(run.declared_name()).next().is_none();
            assert!(is_next, "{} had not failed and was retried", run.key);
            continue;
        };
        if first.cell.is_some() {
            assert_eq!(first.cell, run.cell, "{} has other values than before", run.key);
            assert_eq!(first.name, run.name, "{} is another run than before", run.key);
        }
    }
    // One that failed again at once was left behind in its turn.
    for (name, first) in &wanted {
        let begun = |run: &ActionRun| run.name == **name || (first.cell.is_none() && run.declared_name() == *name);
        let found = record.actions.iter().any(|run| is_new(&run) && begun(run));
        assert!(found, "{name} failed, and its retry has not begun");
    }
    // The others are what they were.
    let Some(was) =
        before.stages.last().filter(|was| is_last && was.name == record.name && was.attempt + 1 == record.attempt)
    else {
        return;
    };
    for run in was.actions.iter().filter(|run| !earlier.actions.iter().any(|failed| failed.key == run.key)) {
        assert!(record.actions.iter().any(|kept| kept.key == run.key), "{} is lost", run.key);
    }
}
