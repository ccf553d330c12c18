//! How actions begin: a group of one run order, or those that failed in the attempt before.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Effect, TimerChange};
use formats::pipeline::{ActionDeclaration, MatrixSource, PipelineDeclaration, Provider, RetryMode, Values};

use super::action::{Beginning, Lookup, Prepared, configuration_error, prepare, prepare_matrix, variable};
use super::draft::Draft;
use super::event::Word;
use super::{
    ActionEffect, ActionError, ActionRun, ActionStatus, ApprovalRun, Cell, Execution, ExecutionInput, ExecutionState,
    External, matrix,
};

/// What the configurations of all runs of a matrix may take together, with their variables replaced: each step of the execution
/// writes them all.
const MAX_RESOLVED_BYTES: usize = 1_000_000;

/// A run that is about to begin, or to fail with what could not be prepared.
pub(super) type Ready = (ActionRun, Result<Prepared, ActionError>);

impl Draft {
    /// Starts the actions that failed in the attempt before, when these alone are retried.
    pub fn retry_failed(&mut self, mode: RetryMode) {
        let before = self.state.clone();
        let stage = self.current().name.clone();
        let Some(last) = before.attempts(&stage).rev().nth(1) else { return };
        let failed = match mode {
            RetryMode::AllActions => return,
            RetryMode::FailedActions => last.actions.iter().filter(|a| a.is_retried()),
        };
        let declared = before.definition.stage(&last.name);
        for run in failed {
            let Some(action) = declared.and_then(|stage| stage.action(run.declared_name())) else { continue };
            // A run of a matrix is tried again with the values that it had; what could not be made one is looked at anew.
            match &run.cell {
                Some(_) => self.start_run(&before, action, run.cell.clone(), run.external.id.clone()),
                None if action.matrix().is_some() => self.start_action(&before, action),
                None => self.start_run(&before, action, None, run.external.id.clone()),
            }
        }
    }

    pub(super) fn start_group(&mut self, stage: usize, run_order: u32) {
        let definition: Arc<PipelineDeclaration> = Arc::clone(&self.state.definition);
        let declared = definition.stages.get(stage).into_iter().flat_map(|s| &s.actions);
        let group: Vec<&ActionDeclaration> = declared.filter(|a| a.run_order == run_order).collect();
        // Actions of one group see what ran before the group, never each other.
        let before = self.state.clone();
        for action in group {
            self.start_action(&before, action);
        }
    }

    fn start_action(&mut self, before: &ExecutionState, action: &ActionDeclaration) {
        match action.matrix() {
            None => self.start_run(before, action, None, None),
            Some(MatrixSource::File(place)) => self.read_matrix(before, action, place),
            Some(MatrixSource::Text(text)) => {
                match matrix::runs(before, action, text).and_then(|runs| self.prepare_runs(before, action, runs)) {
                    Ok(ready) => self.start_runs(action, ready),
                    Err(error) => {
                        let run = self.new_run(action, None);
                        self.begin(run, action, Some(error));
                    }
                }
            }
        }
    }

    /// Prepares the runs of a matrix, all or none.
    pub(super) fn prepare_runs(
        &self,
        before: &ExecutionState,
        action: &ActionDeclaration,
        runs: Vec<Values>,
    ) -> Result<Vec<Ready>, ActionError> {
        // What another matrix has made is a list of all its runs, to be put together once.
        let known = RefCell::new(BTreeMap::new());
        let shared = |namespace: &str, key: &str| {
            let mut known = known.borrow_mut();
            let value = known.entry((namespace.to_owned(), key.to_owned()));
            value.or_insert_with(|| variable(before, namespace, key)).clone()
        };
        let mut bytes = 0;
        let mut all = Vec::new();
        for cell in Cell::all(runs) {
            let run = self.new_run(action, Some(cell));
            let prepared = self.prepare_run(before, action, &run, None, &shared);
            bytes += prepared.as_ref().map_or(0, |prepared| prepared.own_bytes(action));
            if bytes > MAX_RESOLVED_BYTES {
                let what = format!(
                    "with its variables replaced it takes more than {MAX_RESOLVED_BYTES} bytes for all runs of its matrix together"
                );
                return Err(configuration_error(action, &what));
            }
            all.push((run, prepared));
        }
        Ok(all)
    }

    /// Starts the runs of a matrix.
    pub(super) fn start_runs(&mut self, action: &ActionDeclaration, ready: Vec<Ready>) {
        let before = self.state.clone();
        for (run, prepared) in ready {
            self.start_prepared(&before, action, run, prepared);
        }
    }

    /// Begins with what tells the runs. It is a record of its own, under the action's own name.
    fn read_matrix(&mut self, before: &ExecutionState, action: &ActionDeclaration, place: &str) {
        let mut run = self.new_run(action, None);
        let stage = self.current().name.clone();
        let failure = match prepare_matrix(before, &stage, action, place, &run.id) {
            Ok(work) => {
                run.inputs.clone_from(&work.inputs);
                self.effects.push(Effect { key: run.key.clone(), effect: ActionEffect::Run(Box::new(work)) });
                None
            }
            Err(error) => Some(error),
        };
        self.begin(run, action, failure);
    }

    fn new_run(&self, action: &ActionDeclaration, cell: Option<Cell>) -> ActionRun {
        let name = match &cell {
            Some(cell) => format!("{}@{}", action.name, cell.number),
            None => action.name.clone(),
        };
        let key = format!("{}/{}/{name}/{}", self.state.id, self.current().name, self.current().attempt);
        ActionRun {
            id: base::derived_uuid(&["action", &key]).to_string(),
            name,
            run_order: action.run_order,
            cell,
            key,
            started: self.now,
            updated: self.now,
            resolved: Default::default(),
            inputs: Vec::new(),
            external: External::default(),
            approval: None,
            status: ActionStatus::Working,
        }
    }

    /// `earlier` is what the run was known as elsewhere in the attempt before, when it alone is tried again.
    fn start_run(
        &mut self,
        before: &ExecutionState,
        action: &ActionDeclaration,
        cell: Option<Cell>,
        earlier: Option<String>,
    ) {
        let run = self.new_run(action, cell);
        let shared = |namespace: &str, key: &str| variable(before, namespace, key);
        let prepared = self.prepare_run(before, action, &run, earlier, &shared);
        self.start_prepared(before, action, run, prepared);
    }

    fn prepare_run(
        &self,
        before: &ExecutionState,
        action: &ActionDeclaration,
        run: &ActionRun,
        earlier: Option<String>,
        shared: &Lookup<'_>,
    ) -> Result<Prepared, ActionError> {
        let beginning = Beginning {
            stage: &self.current().name,
            name: &run.name,
            key: &run.key,
            id: &run.id,
            cell: run.cell.as_ref(),
            shared,
            earlier,
        };
        prepare(before, action, beginning)
    }

    fn start_prepared(
        &mut self,
        before: &ExecutionState,
        action: &ActionDeclaration,
        mut run: ActionRun,
        prepared: Result<Prepared, ActionError>,
    ) {
        let mut failure = None;
        match prepared {
            Ok(prepared) => {
                run.resolved = prepared.resolved;
                run.inputs = prepared.inputs;
                match prepared.work {
                    Some(work) => {
                        let effect = ActionEffect::Run(Box::new(work));
                        self.effects.push(Effect { key: run.key.clone(), effect });
                    }
                    None => match ApprovalRun::asked(before, action, &run.resolved, &run.key) {
                        Ok(approval) => self.ask_for_approval(&mut run, approval),
                        Err(error) => failure = Some(error),
                    },
                }
            }
            Err(error) => failure = Some(error),
        }
        if run.cell.is_some() {
            // There may be 500, and each step writes them all.
            run.resolved.retain(|key, value| action.config(key) != Some(value));
        }
        self.begin(run, action, failure);
    }

    fn begin(&mut self, run: ActionRun, action: &ActionDeclaration, failure: Option<ActionError>) {
        let key = run.key.clone();
        self.current_mut().actions.push(run.clone());
        self.action_event(&run, Word::Started);
        match failure {
            Some(error) => self.end_action(&key, ActionStatus::Failed(error), External::default()),
            None => self.set_timeout(action, &key),
        }
    }

    fn set_timeout(&mut self, action: &ActionDeclaration, key: &str) {
        let at = self.now + timeout_of(action);
        let input = ExecutionInput::ActionTimedOut { key: key.to_owned() };
        self.timers.push(TimerChange::set::<Execution>(key, at, &input));
    }
}

/// How long an action may take.
pub fn timeout_of(action: &ActionDeclaration) -> std::time::Duration {
    match (action.timeout_in_minutes, action.action_type()) {
        (Some(minutes), _) => std::time::Duration::from_secs(u64::from(minutes) * 60),
        (None, Some(kind)) => kind.timeout,
        // "Quotas in AWS CodePipeline": custom actions.
        (None, None) if action.provider() == Some(Provider::Worker) => std::time::Duration::from_secs(24 * 3600),
        (None, None) => std::time::Duration::from_secs(3600),
    }
}
