//! What the store does with the pipeline machines, in memory: step, save, log, collect, deliver tells.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use base::{AccountId, Effect, Event, Machine, Region, Scope, Step, Tell, TimerChange, Timestamp};
use engine::job::{Job, JobInput, JobPhase, JobRefusal};
use engine::pipeline::{
    ActionEffect, Execution, ExecutionInput, ExecutionState, GateInput, GateRefusal, Gates, GatesState, Mode,
    NewExecution, NewPipeline, NewRollback, ParentAction, ParentRetry, Phase, Refusal, RollBack, RunAction,
    SourceOverride, Trigger,
};
use formats::pipeline::{ConditionKind, PipelineDeclaration, RetryMode};
use serde_json::Value;

use crate::simulation_matrix::check_step;

/// One machine's row: first state, inputs taken, and how many.
pub struct Row<M: Machine> {
    pub first: M::State,
    pub state: M::State,
    pub log: Vec<(Timestamp, M::Input)>,
}

impl<M: Machine> Row<M> {
    pub fn new(state: M::State) -> Self {
        Row { first: state.clone(), state, log: Vec::new() }
    }

    /// The first state with every logged input applied.
    pub fn folded(&self) -> M::State {
        let mut state = self.first.clone();
        for (at, input) in &self.log {
            state =
                M::step(&state, input.clone(), *at).unwrap_or_else(|r| panic!("a logged input is refused: {r}")).state;
        }
        state
    }
}

pub struct World {
    pub now: Timestamp,
    pub definition: Arc<PipelineDeclaration>,
    pub gates: Row<Gates>,
    /// The pipelines that actions invoke, by name.
    pub invoked: BTreeMap<String, Invoked>,
    /// The jobs of actions, and how many of each were made.
    pub jobs: BTreeMap<String, Row<Job>>,
    /// The ids of the jobs as they were made.
    pub job_order: Vec<String>,
    pub executions: BTreeMap<String, Row<Execution>>,
    /// The ids of the executions as they were made.
    pub order: Vec<String>,
    pub timers: BTreeMap<(String, String), (Timestamp, Value)>,
    /// Effects committed since they were last taken.
    pub effects: Vec<(String, Effect<ActionEffect>)>,
    /// The work that was asked for, by key, in scenarios.
    pub asked: BTreeMap<String, RunAction>,
    /// Rollbacks that were asked for and have not begun, in scenarios.
    pub rollbacks: Vec<(String, RollBack)>,
    /// Short names for the ids of these rollbacks.
    pub aliases: Vec<(String, String)>,
    pub events: Vec<Event>,
    pub event_ids: HashSet<String>,
    /// Which actions have begun according to their events, and which have ended (true).
    told: HashSet<(String, bool)>,
    pub effect_keys: HashSet<String>,
    /// Who was let into which stage, in order.
    pub entered: Vec<(String, String)>,
    /// Refusals of tells and timers since they were last taken.
    pub unheard: Vec<String>,
    /// Whether events are kept (the simulation only counts them).
    pub keep_events: bool,
    /// Who brings about the execution that is made next.
    pub starters: Vec<String>,
}

/// A pipeline beside the first.
pub struct Invoked {
    pub definition: Arc<PipelineDeclaration>,
    pub gates: Row<Gates>,
}

impl Invoked {
    pub fn new(definition: PipelineDeclaration) -> Self {
        let stages = definition.stages.iter().map(|s| s.name.clone()).collect();
        let gates = Row::new(GatesState::new(NewPipeline { version: 1, mode: Mode::of(&definition), stages }));
        Invoked { definition: Arc::new(definition), gates }
    }
}

pub fn scope() -> Scope {
    Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-west-1").unwrap() }
}

impl World {
    pub fn new(definition: PipelineDeclaration) -> Self {
        World::of(vec![definition])
    }

    /// The first pipeline, and those that its actions invoke.
    pub fn of(definitions: Vec<PipelineDeclaration>) -> Self {
        let mut pipelines = definitions.into_iter().map(Invoked::new);
        let first = pipelines.next().expect("a pipeline");
        World {
            now: Timestamp::from_secs(1_700_000_000),
            gates: first.gates,
            definition: first.definition,
            invoked: pipelines.map(|pipeline| (pipeline.definition.name.clone(), pipeline)).collect(),
            jobs: BTreeMap::new(),
            job_order: Vec::new(),
            executions: BTreeMap::new(),
            order: Vec::new(),
            timers: BTreeMap::new(),
            effects: Vec::new(),
            asked: BTreeMap::new(),
            rollbacks: Vec::new(),
            aliases: Vec::new(),
            events: Vec::new(),
            event_ids: HashSet::new(),
            told: HashSet::new(),
            effect_keys: HashSet::new(),
            entered: Vec::new(),
            unheard: Vec::new(),
            keep_events: true,
            starters: Vec::new(),
        }
    }

    /// The definition of a pipeline as it is now.
    pub fn current(&mut self, pipeline: &str) -> Arc<PipelineDeclaration> {
        let (definition, gates) = match self.invoked.get_mut(pipeline) {
            Some(invoked) => (&mut invoked.definition, &invoked.gates),
            None => (&mut self.definition, &self.gates),
        };
        let version = Some(gates.state.version);
        if definition.version != version {
            let execution_mode = Some(gates.state.mode.as_str().to_owned());
            *definition = Arc::new(PipelineDeclaration { version, execution_mode, ..(**definition).clone() });
        }
        Arc::clone(definition)
    }

    /// The gates of the pipeline with this name.
    pub fn gates_of(&self, pipeline: &str) -> &Row<Gates> {
        self.invoked.get(pipeline).map_or(&self.gates, |invoked| &invoked.gates)
    }

    fn gates_mut(&mut self, pipeline: &str) -> &mut Row<Gates> {
        self.invoked.get_mut(pipeline).map_or(&mut self.gates, |invoked| &mut invoked.gates)
    }

    /// The pipelines' names, the first one's first.
    pub fn pipelines(&self) -> Vec<String> {
        std::iter::once(&self.definition.name).chain(self.invoked.keys()).cloned().collect()
    }

    /// The pipeline of an execution.
    pub fn pipeline(&self, id: &str) -> String {
        self.state(id).definition.name.clone()
    }

    pub fn create(&mut self, id: &str, variables: BTreeMap<String, String>) {
        let name = self.definition.name.clone();
        self.create_of(&name, id, variables, Vec::new(), None);
    }

    /// An execution of any pipeline.
    pub fn create_of(
        &mut self,
        pipeline: &str,
        id: &str,
        mut variables: BTreeMap<String, String>,
        overrides: Vec<SourceOverride>,
        parent: Option<ParentAction>,
    ) {
        let definition = self.current(pipeline);
        for declared in &definition.variables {
            if let Some(default) = declared.default_value.clone() {
                variables.entry(declared.name.clone()).or_insert(default);
            }
        }
        let state = ExecutionState::new(NewExecution {
            id: id.to_owned(),
            scope: scope(),
            definition,
            trigger: Trigger { kind: "StartPipelineExecution".into(), detail: "arn:aws:iam::123456789012:root".into() },
            variables,
            overrides,
            starters: std::mem::take(&mut self.starters),
            salt: format!("salt of {id}"),
        });
        self.order.push(id.to_owned());
        let old = self.executions.insert(id.to_owned(), Row::new(ExecutionState { parent, ..state }));
        assert!(old.is_none(), "the execution {id} is made twice");
    }

    pub fn gates(&mut self, input: GateInput) -> Result<(), GateRefusal> {
        let name = self.definition.name.clone();
        self.tell_gates_of(&name, input)
    }

    /// An input for the gates of any pipeline.
    pub fn tell_gates_of(&mut self, pipeline: &str, input: GateInput) -> Result<(), GateRefusal> {
        let step = Gates::step(&self.gates_of(pipeline).state, input.clone(), self.now)?;
        let tells = self.apply_gates(pipeline, input, step);
        self.deliver(tells);
        Ok(())
    }

    /// An input for a job.
    pub fn job(&mut self, id: &str, input: JobInput) -> Result<(), JobRefusal> {
        let row = self.jobs.get(id).expect("a known job");
        let step = Job::step(&row.state, input.clone(), self.now)?;
        let tells = self.apply_job(id, input, step);
        self.deliver(tells);
        Ok(())
    }

    pub fn execution(&mut self, id: &str, input: ExecutionInput) -> Result<(), Refusal> {
        let row = self.executions.get(id).expect("a known execution");
        let step = Execution::step(&row.state, input.clone(), self.now)?;
        let tells = self.apply_execution(id, input, step);
        self.deliver(tells);
        Ok(())
    }

    fn come_back(&mut self, id: &str, stage: &str) -> Result<(), String> {
        let (execution, version) = (id.to_owned(), self.state(id).version);
        let back = match self.state(id).mode() {
            Mode::Parallel => GateInput::Begin { execution },
            Mode::Superseded | Mode::Queued => GateInput::Return { execution, stage: stage.to_owned(), version },
        };
        self.tell_gates_of(&self.pipeline(id), back).map_err(|r| r.to_string())
    }

    /// As the operation does: the gates first, and both or neither.
    pub fn retry(&mut self, id: &str, stage: &str, mode: RetryMode, by: &str) -> Result<(), String> {
        self.retry_for(id, stage, mode, (Some(by.to_owned()), None))
    }

    /// The same for an action of the execution's parent.
    pub fn retry_for(
        &mut self,
        id: &str,
        stage: &str,
        mode: RetryMode,
        (by, parent): (Option<String>, Option<ParentRetry>),
    ) -> Result<(), String> {
        let gates = self.gates_of(&self.pipeline(id));
        let before = (gates.state.clone(), gates.log.len());
        self.come_back(id, stage)?;
        let answer = self.execution(id, ExecutionInput::RetryStage { stage: stage.to_owned(), mode, by, parent });
        if answer.is_err() {
            let gates = self.gates_mut(&self.pipeline(id));
            gates.state = before.0;
            gates.log.truncate(before.1);
        }
        answer.map_err(|r| r.to_string())
    }

    /// As the operation does: the gates first, and both or neither.
    pub fn override_condition(&mut self, id: &str, stage: &str, kind: ConditionKind, by: &str) -> Result<(), String> {
        let gates = self.gates_of(&self.pipeline(id));
        let before = (gates.state.clone(), gates.log.len());
        self.come_back(id, stage)?;
        let input = ExecutionInput::OverrideCondition { stage: stage.to_owned(), kind, by: by.to_owned() };
        let answer = self.execution(id, input);
        if answer.is_err() {
            let gates = self.gates_mut(&self.pipeline(id));
            gates.state = before.0;
            gates.log.truncate(before.1);
        }
        answer.map_err(|r| r.to_string())
    }

    /// As RollbackStage does: the execution is made, started, and given the stage, or nothing is done.
    pub fn roll_back(&mut self, id: &str, stage: &str, target: &str, by: &str) -> Result<(), String> {
        let trigger = Trigger { kind: "ManualRollback".into(), detail: "ann".into() };
        let (starters, salt) = (vec![by.to_owned()], format!("salt of {id}"));
        let pipeline = self.pipeline(target);
        let version = self.gates_of(&pipeline).state.version;
        let state = self
            .state(target)
            .rollback(stage, version, NewRollback { id: id.to_owned(), trigger, starters, salt })
            .map_err(|e| format!("{e:?}"))?;
        let occupy = GateInput::Occupy { execution: id.to_owned(), stage: stage.to_owned(), version };
        if let Err(refusal) = Gates::step(&self.gates_of(&pipeline).state, occupy.clone(), self.now) {
            return Err(refusal.to_string());
        }
        self.order.push(id.to_owned());
        self.executions.insert(id.to_owned(), Row::new(state));
        self.execution(id, ExecutionInput::Start).map_err(|r| r.to_string())?;
        self.tell_gates_of(&pipeline, occupy).map_err(|r| r.to_string())
    }

    /// As the driver does with the effect of an execution that failed.
    pub fn perform_rollback(&mut self, failed: &str, effect: &RollBack) {
        if !matches!(self.state(failed).phase, Phase::HandingOver { .. }) {
            return;
        }
        let pipeline = self.pipeline(failed);
        let gates = &self.gates_of(&pipeline).state;
        let version = gates.version;
        let target = gates.gate(&effect.stage).and_then(|g| g.succeeded.clone());
        let fits = |id: &String| {
            let state = self.state(id);
            state.definition.name == pipeline && state.rollback_target(&effect.stage, version).is_ok()
        };
        assert!(target.as_ref().is_none_or(fits), "the gate remembers what cannot be rolled back to: {target:?}");
        let missed = || self.executions.keys().find(|id| fits(id));
        assert!(target.is_some() || missed().is_none(), "the gate has forgotten a success: {:?}", missed());
        let by = target.map(|target| {
            let trigger = Trigger { kind: "AutomatedRollback".into(), detail: failed.to_owned() };
            let (starters, salt) = (self.state(failed).starters.clone(), format!("salt of {}", effect.execution));
            let state = self
                .state(&target)
                .rollback(&effect.stage, version, NewRollback { id: effect.execution.clone(), trigger, starters, salt })
                .unwrap();
            let old = self.executions.insert(effect.execution.clone(), Row::new(state));
            assert!(old.is_none(), "a rollback began twice");
            self.order.push(effect.execution.clone());
            self.execution(&effect.execution, ExecutionInput::Start).unwrap();
            effect.execution.clone()
        });
        self.execution(failed, ExecutionInput::RolledBack { by, why: None }).unwrap();
    }

    pub fn state(&self, id: &str) -> &ExecutionState {
        &self.executions.get(id).expect("a known execution").state
    }

    fn deliver(&mut self, tells: Vec<Tell>) {
        let mut queue = VecDeque::from(tells);
        while let Some(tell) = queue.pop_front() {
            let result = if tell.kind == Gates::KIND {
                let input: GateInput = serde_json::from_value(tell.input).unwrap();
                let pipeline = pipeline_of(&tell.id);
                Gates::step(&self.gates_of(pipeline).state, input.clone(), self.now)
                    .map(|step| self.apply_gates(pipeline, input, step))
                    .map_err(|r| r.to_string())
            } else if tell.kind == Job::KIND {
                let input: JobInput = serde_json::from_value(tell.input).unwrap();
                let row = self.jobs.get(&tell.id).expect("a known job");
                Job::step(&row.state, input.clone(), self.now)
                    .map(|step| self.apply_job(&tell.id, input, step))
                    .map_err(|r| r.to_string())
            } else {
                let input: ExecutionInput = serde_json::from_value(tell.input).unwrap();
                let row = self.executions.get(&tell.id).expect("a known execution");
                Execution::step(&row.state, input.clone(), self.now)
                    .map(|step| self.apply_execution(&tell.id, input, step))
                    .map_err(|r| r.to_string())
            };
            match result {
                Ok(more) => queue.extend(more),
                Err(refusal) => self.unheard.push(refusal),
            }
        }
    }

    fn apply_gates(&mut self, pipeline: &str, input: GateInput, step: Step<Gates>) -> Vec<Tell> {
        let now = self.now;
        let gates = self.gates_mut(pipeline);
        gates.state = step.state;
        gates.log.push((now, input));
        self.set_timers(&scope().arn("codepipeline", pipeline).to_string(), step.timers);
        step.tells
    }

    fn apply_job(&mut self, id: &str, input: JobInput, step: Step<Job>) -> Vec<Tell> {
        let row = self.jobs.get_mut(id).expect("a known job");
        assert!(!row.state.phase.is_ended() || row.state == step.state, "the job {id} goes on after its end");
        row.state = step.state;
        row.log.push((self.now, input));
        self.set_timers(id, step.timers);
        let timers = self.timers.keys().filter(|(job, _)| job == id).count();
        let leased = matches!(self.jobs[id].state.phase, JobPhase::Dispatched { .. });
        assert_eq!(timers, usize::from(leased), "who was handed {id} has a limit, and nobody else");
        step.tells
    }

    fn apply_execution(&mut self, id: &str, input: ExecutionInput, step: Step<Execution>) -> Vec<Tell> {
        let row = self.executions.get_mut(id).expect("a known execution");
        let superseded = matches!(input, ExecutionInput::Superseded { .. });
        assert!(!superseded || matches!(row.state.phase, Phase::Waiting { .. }), "superseded while not waiting");
        let resumed = matches!(input, ExecutionInput::RetryStage { .. } | ExecutionInput::OverrideCondition { .. });
        assert!(!row.state.is_ended() || resumed || step.effects.is_empty(), "an ended execution asks for work");
        if let ExecutionInput::Entered { stage } = &input {
            self.entered.push((id.to_owned(), stage.clone()));
        }
        told_what_changed(&row.state, &step.state, &step.events);
        check_step(&row.state, &step.state);
        for event in step.events.iter().filter(|e| e.detail_type.contains("Action Execution")) {
            let action = event.detail["action-execution-id"].as_str().unwrap();
            let ends = event.detail["state"] != "STARTED";
            assert!(self.told.insert((action.to_owned(), ends)), "two events say the same: {event:?}");
            assert!(!ends || self.told.contains(&(action.to_owned(), false)), "what has not begun ends: {event:?}");
        }
        row.state = step.state;
        row.log.push((self.now, input));
        let version = row.log.len();
        for (n, event) in step.events.into_iter().enumerate() {
            assert!(self.event_ids.insert(format!("{id}/{version}/{n}")), "two events with one id");
            if self.keep_events {
                self.events.push(event);
            }
        }
        for effect in step.effects {
            assert!(self.effect_keys.insert(effect.key.clone()), "the effect {} was asked for twice", effect.key);
            self.effects.push((id.to_owned(), effect));
        }
        self.set_timers(id, step.timers);
        step.tells
    }

    fn set_timers(&mut self, id: &str, changes: Vec<TimerChange>) {
        for change in changes {
            match change {
                TimerChange::Set { key, at, input } => self.timers.insert((id.to_owned(), key), (at, input)),
                TimerChange::Clear { key } => self.timers.remove(&(id.to_owned(), key)),
            };
        }
    }

    /// Whether gates have put somebody off who may enter.
    pub fn puts_off(&self) -> bool {
        self.timers.keys().any(|(id, _)| is_pipeline(id))
    }

    /// Fires the timer with which gates let in whom they put off.
    pub fn admit(&mut self) {
        let Some(place) = self.timers.keys().find(|(id, _)| is_pipeline(id)).cloned() else { return };
        let (_, input) = self.timers.remove(&place).expect("the timer just found");
        self.tell_gates_of(pipeline_of(&place.0), serde_json::from_value(input).unwrap()).unwrap();
    }

    /// Moves the clock and fires what is due, in order.
    pub fn pass(&mut self, by: std::time::Duration) {
        let until = self.now + by;
        while let Some((place, at)) = self
            .timers
            .iter()
            .min_by_key(|(_, (at, _))| *at)
            .map(|(p, (at, _))| (p.clone(), *at))
            .filter(|(_, at)| *at <= until)
        {
            self.now = self.now.max(at);
            let (_, input) = self.timers.remove(&place).expect("the timer just found");
            let heard = if is_pipeline(&place.0) {
                let input = serde_json::from_value(input).unwrap();
                self.tell_gates_of(pipeline_of(&place.0), input).map_err(|r| r.to_string())
            } else if self.jobs.contains_key(&place.0) {
                self.job(&place.0, serde_json::from_value(input).unwrap()).map_err(|r| r.to_string())
            } else {
                self.execution(&place.0, serde_json::from_value(input).unwrap()).map_err(|r| r.to_string())
            };
            self.unheard.extend(heard.err());
        }
        self.now = until;
    }
}

/// Gates stand under their pipeline's ARN.
fn is_pipeline(id: &str) -> bool {
    id.starts_with("arn:")
}

fn pipeline_of(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or_default()
}

/// Events say what the state says: whatever has changed has an event, and the last one of each thing names what it is now.
fn told_what_changed(before: &ExecutionState, after: &ExecutionState, events: &[Event]) {
    let last = |kind: &str, member: &str, name: &str| {
        let of = |e: &&Event| e.detail_type.contains(kind) && (member.is_empty() || e.detail[member] == name);
        events.iter().rev().find(of).map(|e| e.detail["state"].as_str().unwrap().to_owned())
    };
    let fits = |word: &str, status: &str| match word {
        "STARTED" | "RESUMED" => status == "InProgress",
        "CANCELED" => status == "Cancelled",
        word => word == status.to_uppercase(),
    };
    let check = |what: &str, was: Option<&str>, is: &str, word: Option<String>| match word {
        Some(word) => assert!(fits(&word, is), "{what} is {is} and its last event says {word}"),
        None => assert_eq!(was, Some(is), "{what} changed and no event says so"),
    };
    let (was, is) = (Execution::status(before), Execution::status(after));
    let was = Some(was).filter(|_| before.phase != Phase::New);
    check(&after.id, was, is, last("Pipeline Execution", "", ""));
    for (n, run) in after.stages.iter().enumerate() {
        if after.stages.iter().skip(n + 1).all(|later| later.name != run.name) {
            let was = before.stage(&run.name).map(|r| r.status.as_str());
            check(&run.name, was, run.status.as_str(), last("Stage Execution", "stage", &run.name));
        }
        for action in &run.actions {
            let was = before.action_by_key(&action.key).map(|a| a.status.as_str());
            check(
                &action.key,
                was,
                action.status.as_str(),
                last("Action Execution", "action-execution-id", &action.id),
            );
        }
    }
}
