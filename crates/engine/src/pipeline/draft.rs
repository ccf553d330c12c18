//! A step in the making: the moves that several inputs share.

use std::sync::Arc;
use std::time::Duration;

use base::{Effect, Event, Machine, Region, Step, Tell, TimerChange, Timestamp};
use formats::pipeline::{ActionDeclaration, ConditionKind, ConditionResult, Provider, RetryMode, StageDeclaration};

use super::action::elsewhere;
use super::condition::Said;
use super::event::{self, Word};
use super::{
    ActionEffect, ActionError, ActionResult, ActionRun, ActionStatus, Begun, CancelAction, Ended, Execution,
    ExecutionInput, ExecutionKind, ExecutionState, External, GateInput, Gates, Mode, Phase, RetryTrigger, RollBack,
    StageRun, StageStatus, Will,
};

pub(super) struct Draft {
    pub state: ExecutionState,
    pub now: Timestamp,
    pub(super) effects: Vec<Effect<ActionEffect>>,
    pub(super) timers: Vec<TimerChange>,
    tells: Vec<Tell>,
    events: Vec<Event>,
}

/// How long a failed execution keeps its stage for the rollback that it asked for. The rollback begins within milliseconds,
/// unless the server is down or its store fails.
const MAX_HANDING_OVER: Duration = Duration::from_secs(24 * 3600);

/// Characters of a failure's message: as many as a worker may give.
const MAX_MESSAGE: usize = 5000;
/// The same of a run of a matrix: there may be 500, and each step writes them all.
const MAX_MESSAGE_OF_RUN: usize = 2000;

/// An execution is in a stage that its own definition has and its record has: both lists grow together.
const BROKEN: &str = "an execution that is in a stage has a record of it";

impl Draft {
    pub fn of(state: &ExecutionState, now: Timestamp) -> Self {
        Draft {
            state: state.clone(),
            now,
            effects: Vec::new(),
            timers: Vec::new(),
            tells: Vec::new(),
            events: Vec::new(),
        }
    }

    pub fn done(self) -> Step<Execution> {
        let Draft { state, effects, timers, tells, events, now: _ } = self;
        Step { state, effects, timers, tells, events }
    }

    pub fn tell_gates(&mut self, input: GateInput) {
        self.tells.push(Tell::to::<Gates>(self.state.pipeline_arn(), &input));
    }

    pub fn pipeline_event(&mut self, word: Word) {
        self.events.push(event::of_pipeline(&self.state, word));
    }

    pub fn stage_event(&mut self, stage: usize, word: Word) {
        let name = self.declared(stage).name.clone();
        self.events.push(event::of_stage(&self.state, &name, word));
    }

    /// Ends the execution outside any stage.
    pub fn end(&mut self, ended: Ended) {
        let word = match &ended {
            Ended::Succeeded => Word::Succeeded,
            Ended::Failed => Word::Failed,
            Ended::Stopped(_) => Word::Stopped,
            Ended::Superseded { .. } => Word::Superseded,
            Ended::Cancelled => Word::Canceled,
        };
        self.state.phase = Phase::Ended(ended);
        self.pipeline_event(word);
        self.tell_parent();
    }

    /// Tells the action that waits for this execution how it has ended.
    pub(super) fn tell_parent(&mut self) {
        let Some(parent) = self.state.parent.clone().filter(|p| p.waits) else { return };
        let input = ExecutionInput::ActionFinished { key: parent.key, result: child_result(&self.state) };
        self.tells.push(Tell::to::<Execution>(parent.execution, &input));
    }

    /// An execution that had ended goes on: for the action of its parent under this effect key, or for nobody but who asked.
    /// The action that waited before has heard how it ended.
    pub fn comes_back_for(&mut self, key: Option<String>) {
        let Some(parent) = &mut self.state.parent else { return };
        parent.waits = key.is_some();
        if let Some(key) = key {
            parent.key = key;
        }
    }

    /// Opens the record of a stage and starts its first actions.
    pub fn enter(&mut self, stage: usize) {
        self.open(stage, Begun::Entered, Vec::new());
        self.stage_event(stage, Word::Started);
        self.settle();
    }

    fn open(&mut self, stage: usize, begun: Begun, actions: Vec<ActionRun>) {
        let name = self.declared(stage).name.clone();
        let attempt = self.state.attempts(&name).count() + 1;
        self.state.stages.push(Arc::new(StageRun {
            name,
            attempt: u32::try_from(attempt).unwrap_or(u32::MAX),
            begun,
            status: StageStatus::InProgress,
            started: self.now,
            updated: self.now,
            actions,
            conditions: Vec::new(),
        }));
        self.state.phase = Phase::Running { stage, will: Will::GoOn };
    }

    /// Opens the record of another attempt at the stage of the last one. Follow with `retry_failed`.
    pub fn begin_again(&mut self, stage: usize, trigger: RetryTrigger, mode: RetryMode) {
        let now = self.now;
        let last = self.current_mut();
        if last.status == StageStatus::InProgress {
            last.status = StageStatus::Failed;
            last.updated = now;
        }
        let kept = match mode {
            RetryMode::AllActions => Vec::new(),
            RetryMode::FailedActions => last.actions.extract_if(.., |a| !a.is_retried()).collect(),
        };
        self.open(stage, Begun::Retried { trigger, mode }, kept);
    }

    /// Ends one action of the current stage.
    pub fn end_action(&mut self, key: &str, mut status: ActionStatus, external: External) {
        let now = self.now;
        let Some(run) = self.run_mut(key) else { return };
        // What became of its notice is no news of how an approval ended.
        if let Some(approval) = run.approval.as_mut().filter(|approval| approval.notice.is_some()) {
            approval.notice = None;
            run.external.summary = approval.summary();
        }
        if let ActionStatus::Failed(error) = &mut status {
            let most = if run.cell.is_some() { MAX_MESSAGE_OF_RUN } else { MAX_MESSAGE };
            if let Some((end, _)) = error.message.char_indices().nth(most) {
                error.message.truncate(end);
            }
        }
        run.status = status;
        run.updated = now;
        run.external.id = external.id.or(run.external.id.take());
        run.external.url = external.url.or(run.external.url.take());
        run.external.summary = external.summary.or(run.external.summary.take());
        run.external.by = external.by;
        run.external.percent = None;
        let run = run.clone();
        self.timers.push(TimerChange::clear(key));
        let word = match run.status {
            ActionStatus::Succeeded { .. } => Word::Succeeded,
            ActionStatus::Failed(_) => Word::Failed,
            ActionStatus::Abandoned => Word::Abandoned,
            ActionStatus::Working | ActionStatus::AwaitingApproval { .. } => Word::Started,
        };
        self.action_event(&run, word);
    }

    /// Asks the performer of an action to give up, where there is something to give up.
    pub fn cancel_work(&mut self, key: &str) {
        let Some(run) = self.run_mut(key).map(|r| r.clone()) else { return };
        let declared = self.declared_of(&run);
        // What reads a matrix holds nothing elsewhere.
        let provider = declared.filter(|a| a.matrix().is_some() == run.cell.is_some()).and_then(|a| a.provider());
        match provider {
            Some(Provider::CodeBuild | Provider::Commands) => {
                self.cancel_elsewhere(key, Provider::CodeBuild, run.external.id)
            }
            Some(Provider::Worker) => self.cancel_elsewhere(key, Provider::Worker, None),
            Some(Provider::Pipeline) => self.cancel_elsewhere(key, Provider::Pipeline, run.external.id),
            Some(
                Provider::CodeCommitSource
                | Provider::ConnectionSource
                | Provider::GitHubSource
                | Provider::S3Source
                | Provider::ManualApproval
                | Provider::S3Deploy
                | Provider::Call,
            )
            | None => {}
        }
    }

    pub(super) fn cancel_elsewhere(&mut self, key: &str, provider: Provider, external_id: Option<String>) {
        let region = self.region_of(key);
        let cancel = CancelAction { key: key.to_owned(), provider, region, external_id, gently: false };
        self.effects.push(Effect { key: format!("{key}/cancel"), effect: ActionEffect::Cancel(cancel) });
    }

    /// Where an action is done, when that is not the pipeline's region.
    fn region_of(&self, key: &str) -> Option<Region> {
        let run = self.current().actions.iter().find(|a| a.key == key)?;
        elsewhere(&self.state, self.declared_of(run)?)
    }

    /// Asks the executions that actions wait for to stop, too, when they have done what they are at.
    pub fn stop_children(&mut self) {
        let of = |run: &&ActionRun| self.declared_of(run).and_then(|a| a.provider()) == Some(Provider::Pipeline);
        let running = self.current().actions.iter().filter(|a| !a.is_ended() && a.external.id.is_some()).filter(of);
        let asked: Vec<Effect<ActionEffect>> = running
            .map(|run| {
                let (key, external_id) = (run.key.clone(), run.external.id.clone());
                let region = self.region_of(&key);
                let cancel = CancelAction { key, provider: Provider::Pipeline, region, external_id, gently: true };
                Effect { key: format!("{}/stop", run.key), effect: ActionEffect::Cancel(cancel) }
            })
            .collect();
        self.effects.extend(asked);
    }

    /// Abandons whatever still runs and ends the execution as stopped.
    pub fn abandon_running(&mut self) {
        let running: Vec<String> =
            self.current().actions.iter().filter(|a| !a.is_ended()).map(|a| a.key.clone()).collect();
        for key in running {
            self.cancel_work(&key);
            self.end_action(&key, ActionStatus::Abandoned, External::default());
        }
        self.abandon_rules();
        self.settle();
    }

    /// Goes on from a stage at rest: condition, next run order, next stage, or the end. Does nothing while something runs.
    pub fn settle(&mut self) {
        while self.makes_a_move() {}
    }

    /// Makes one move; false when it has come to rest, left the stage, or ended.
    fn makes_a_move(&mut self) -> bool {
        let Phase::Running { stage, will } = &self.state.phase else { return false };
        let (stage, will) = (*stage, will.clone());
        if self.current().is_busy() {
            return false;
        }
        match will {
            Will::Stop(request) => {
                self.leave(stage, StageStatus::Stopped, Word::Stopped, None);
                self.end(Ended::Stopped(request));
                false
            }
            Will::Cancel if self.current().has_failed_action() => self.fail(stage, ConditionResult::Fail),
            Will::Cancel => {
                self.leave(stage, StageStatus::Cancelled, Word::Canceled, None);
                self.end(Ended::Cancelled);
                false
            }
            Will::GoOn => self.goes_on(stage),
        }
    }

    fn goes_on(&mut self, stage: usize) -> bool {
        match self.ask(stage, ConditionKind::BeforeEntry) {
            Said::Wait => return true,
            Said::NotMet(result) => return self.fail(stage, result),
            Said::Met => {}
        }
        if self.current().has_failed_action() {
            return self.fails(stage);
        }
        let reached = self.current().actions.iter().map(|a| a.run_order).max().unwrap_or(0);
        let next = self.declared(stage).actions.iter().map(|a| a.run_order).filter(|o| *o > reached).min();
        if let Some(run_order) = next {
            self.start_group(stage, run_order);
            return true;
        }
        match self.ask(stage, ConditionKind::OnSuccess) {
            Said::Wait => true,
            Said::NotMet(result) => self.fail(stage, result),
            Said::Met => self.finish_stage(stage, StageStatus::Succeeded, Word::Succeeded),
        }
    }

    /// An action has failed, and all are at rest.
    fn fails(&mut self, stage: usize) -> bool {
        if self.retries_by_itself(stage) {
            return true;
        }
        let has_condition = self.declared(stage).condition(ConditionKind::OnFailure).is_some();
        match self.ask(stage, ConditionKind::OnFailure) {
            Said::Wait => true,
            Said::NotMet(result) => self.fail(stage, result),
            Said::Met if has_condition => self.fail(stage, ConditionResult::Fail),
            Said::Met => self.fail(stage, self.after_failure(stage)),
        }
    }

    /// Tries the failed stage again if its declaration wants that. User Guide, "Configure a stage for automatic retry on
    /// failure": there is one such retry.
    fn retries_by_itself(&mut self, stage: usize) -> bool {
        let declared = self.declared(stage);
        let mode = declared.on_failure.as_ref().and_then(|f| f.retry_mode());
        let used = self.state.retries(&declared.name, RetryTrigger::AutomatedStageRetry) > 0;
        let Some(mode) = mode.filter(|_| !used) else { return false };
        self.stage_event(stage, Word::Failed);
        self.begin_again(stage, RetryTrigger::AutomatedStageRetry, mode);
        self.stage_event(stage, Word::Resumed);
        self.retry_failed(mode);
        true
    }

    fn after_failure(&self, stage: usize) -> ConditionResult {
        let declared = self.declared(stage).on_failure.as_ref();
        declared.and_then(|f| f.result).unwrap_or(ConditionResult::Fail)
    }

    /// Ends the stage as one that failed, with what follows.
    fn fail(&mut self, stage: usize, result: ConditionResult) -> bool {
        let can_roll_back = self.state.kind == ExecutionKind::Standard && self.state.mode() != Mode::Parallel;
        match result {
            ConditionResult::Skip => return self.finish_stage(stage, StageStatus::Skipped, Word::Skipped),
            ConditionResult::Rollback if can_roll_back => self.ask_for_rollback(stage),
            ConditionResult::Rollback | ConditionResult::Fail | ConditionResult::Retry => {
                self.leave(stage, StageStatus::Failed, Word::Failed, None);
                self.end(Ended::Failed);
            }
        }
        false
    }

    /// The key under which this attempt at the stage asks for a rollback.
    pub(super) fn rollback_key(&self) -> String {
        let run = self.current();
        format!("{}/{}/{}/rollback", self.state.id, run.name, run.attempt)
    }

    fn ask_for_rollback(&mut self, stage: usize) {
        self.close(stage, StageStatus::Failed, Word::Failed);
        let key = self.rollback_key();
        let name = self.current().name.clone();
        let execution = base::derived_uuid(&["rollback", &key]).to_string();
        let why = Some(format!("The rollback of stage '{name}' did not begin within 24 hours."));
        let given_up = ExecutionInput::RolledBack { by: None, why };
        self.timers.push(TimerChange::set::<Execution>(&key, self.now + MAX_HANDING_OVER, &given_up));
        let effect = ActionEffect::RollBack(RollBack { stage: name, execution });
        self.effects.push(Effect { key, effect });
        self.state.phase = Phase::HandingOver { stage };
        self.pipeline_event(Word::Failed);
    }

    fn finish_stage(&mut self, stage: usize, status: StageStatus, word: Word) -> bool {
        let next = stage + 1;
        let following = match self.state.kind {
            ExecutionKind::Standard => self.state.definition.stages.get(next).map(|s| s.name.clone()),
            ExecutionKind::Rollback(_) => None,
        };
        match following {
            Some(_) if self.state.mode() == Mode::Parallel => {
                self.close(stage, status, word);
                self.open(next, Begun::Entered, Vec::new());
                self.stage_event(next, Word::Started);
                return true;
            }
            Some(name) => {
                self.leave(stage, status, word, Some(name));
                self.state.phase = Phase::Waiting { stage: next };
            }
            None => {
                self.leave(stage, status, word, None);
                self.end(Ended::Succeeded);
            }
        }
        false
    }

    fn close(&mut self, stage: usize, status: StageStatus, word: Word) {
        let now = self.now;
        let run = self.current_mut();
        run.status = status;
        run.updated = now;
        self.stage_event(stage, word);
    }

    fn leave(&mut self, stage: usize, status: StageStatus, word: Word, to: Option<String>) {
        self.close(stage, status, word);
        let execution = self.state.id.clone();
        if self.state.mode() == Mode::Parallel {
            return self.tell_gates(GateInput::End { execution });
        }
        let run = self.current();
        let from = Some(run.name.clone());
        let ran = run.ran();
        let is_target = status == StageStatus::Succeeded && self.state.kind == ExecutionKind::Standard;
        self.tell_gates(GateInput::Move { execution, from, ran, to, is_target });
    }

    pub(super) fn action_event(&mut self, run: &ActionRun, word: Word) {
        let stage = self.current().name.clone();
        let event = self.declared_of(run).map(|action| event::of_action(&self.state, &stage, action, run, word));
        self.events.extend(event);
    }

    /// The record of the stage that the execution is in.
    pub fn current(&self) -> &StageRun {
        let Some(run) = self.state.stages.last() else { panic!("{BROKEN}") };
        run
    }

    pub fn current_mut(&mut self) -> &mut StageRun {
        let Some(run) = self.state.stages.last_mut() else { panic!("{BROKEN}") };
        Arc::make_mut(run)
    }

    pub(super) fn run_mut(&mut self, key: &str) -> Option<&mut ActionRun> {
        self.current_mut().actions.iter_mut().find(|a| a.key == key)
    }

    pub fn set_external(&mut self, key: &str, external: External) {
        let now = self.now;
        let rules = self.current_mut().conditions.iter_mut().flat_map(|c| &mut c.rules);
        for rule in rules.filter(|r| r.key == key) {
            rule.external = external.clone();
        }
        if let Some(run) = self.run_mut(key) {
            run.external = external;
            run.updated = now;
        }
    }

    pub(super) fn declared(&self, stage: usize) -> &StageDeclaration {
        let Some(declared) = self.state.definition.stages.get(stage) else { panic!("{BROKEN}") };
        declared
    }

    fn declared_of(&self, run: &ActionRun) -> Option<&ActionDeclaration> {
        self.state.definition.stage(&self.current().name)?.action(run.declared_name())
    }
}

/// The status name of a state, for refusals.
pub(super) fn status(state: &ExecutionState) -> String {
    Execution::status(state).to_owned()
}

/// A failure of the given kind.
pub(super) fn failed(code: &str, message: impl Into<String>) -> ActionStatus {
    ActionStatus::Failed(ActionError { code: code.to_owned(), message: message.into() })
}

/// What an execution is for the action that waited for it.
fn child_result(child: &ExecutionState) -> ActionResult {
    let (id, pipeline) = (child.id.clone(), &child.definition.name);
    if matches!(child.phase, Phase::Ended(Ended::Succeeded)) {
        return ActionResult::Succeeded {
            external_execution_id: Some(id),
            external_execution_url: None,
            summary: Some(format!("Pipeline {pipeline} succeeded.")),
            output_variables: Default::default(),
            output_artifacts: Vec::new(),
            revision: None,
        };
    }
    ActionResult::Failed {
        code: "JobFailed".to_owned(),
        message: format!("Execution {id} of pipeline {pipeline} ended {}.", status(child)),
        external_execution_id: Some(id),
        external_execution_url: None,
        summary: None,
    }
}
