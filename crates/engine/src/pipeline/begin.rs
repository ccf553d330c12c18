//! How actions begin: a group of one run order, or those that failed in the attempt before.

use std::sync::Arc;

use base::{Effect, TimerChange};
use formats::pipeline::{ActionDeclaration, PipelineDeclaration, Provider, RetryMode};

use super::action::prepare;
use super::draft::Draft;
use super::event::Word;
use super::{ActionEffect, ActionRun, ActionStatus, ApprovalRun, Execution, ExecutionInput, ExecutionState, External};

impl Draft {
    /// Starts the actions that failed in the attempt before, when these alone are retried.
    pub fn retry_failed(&mut self, mode: RetryMode) {
        let before = self.state.clone();
        let stage = self.current().name.clone();
        let Some(last) = before.attempts(&stage).rev().nth(1) else { return };
        let failed = match mode {
            RetryMode::AllActions => return,
            RetryMode::FailedActions => last.actions.iter().filter(|a| a.has_failed()),
        };
        let declared = before.definition.stage(&last.name);
        for action in failed.filter_map(|run| declared?.action(&run.name)) {
            self.start_action(&before, action);
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
        let (stage, attempt) = (self.current().name.clone(), self.current().attempt);
        let key = format!("{}/{stage}/{}/{attempt}", self.state.id, action.name);
        let id = base::derived_uuid(&["action", &key]).to_string();
        let mut run = ActionRun {
            name: action.name.clone(),
            run_order: action.run_order,
            key: key.clone(),
            id: id.clone(),
            started: self.now,
            updated: self.now,
            resolved: Default::default(),
            inputs: Vec::new(),
            external: External::default(),
            approval: None,
            status: ActionStatus::Working,
        };
        let prepared = prepare(before, &stage, action, &key, &id);
        let mut failure = None;
        match prepared {
            Ok(prepared) => {
                run.resolved = prepared.resolved;
                run.inputs = prepared.inputs;
                match prepared.work {
                    Some(work) => {
                        let effect = ActionEffect::Run(Box::new(work));
                        self.effects.push(Effect { key: key.clone(), effect });
                    }
                    None => match ApprovalRun::asked(before, action, &run.resolved, &key) {
                        Ok(approval) => self.ask_for_approval(&mut run, approval),
                        Err(error) => failure = Some(error),
                    },
                }
            }
            Err(error) => failure = Some(error),
        }
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
