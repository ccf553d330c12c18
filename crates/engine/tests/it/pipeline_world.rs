//! What the store does with the pipeline machines, in memory: step, save, log, collect, deliver tells.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use base::{AccountId, Effect, Event, Machine, Region, Scope, Step, Tell, TimerChange, Timestamp};
use engine::pipeline::{
    ActionEffect, Execution, ExecutionInput, ExecutionState, GateInput, GateRefusal, Gates, GatesState, Mode,
    NewExecution, NewPipeline, Phase, Refusal, RollBack, Trigger,
};
use formats::pipeline::{ConditionKind, PipelineDeclaration, RetryMode};
use serde_json::{Value, json};

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
    pub executions: BTreeMap<String, Row<Execution>>,
    /// The ids of the executions as they were made.
    pub order: Vec<String>,
    pub timers: BTreeMap<(String, String), (Timestamp, Value)>,
    /// Effects committed since they were last taken.
    pub effects: Vec<(String, Effect<ActionEffect>)>,
    /// Rollbacks that were asked for and have not begun, in scenarios.
    pub rollbacks: Vec<(String, RollBack)>,
    /// Short names for the ids of these rollbacks.
    pub aliases: Vec<(String, String)>,
    pub events: Vec<Event>,
    pub event_ids: HashSet<String>,
    pub effect_keys: HashSet<String>,
    /// Who was let into which stage, in order.
    pub entered: Vec<(String, String)>,
    /// Refusals of tells and timers since they were last taken.
    pub unheard: Vec<String>,
    /// Whether events are kept (the simulation only counts them).
    pub keep_events: bool,
}

/// What the gates' timers stand under.
const GATES: &str = "(gates)";

pub fn scope() -> Scope {
    Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-west-1").unwrap() }
}

impl World {
    pub fn new(definition: PipelineDeclaration) -> Self {
        let stages = definition.stages.iter().map(|s| s.name.clone()).collect();
        World {
            now: Timestamp::from_secs(1_700_000_000),
            gates: Row::new(GatesState::new(NewPipeline { version: 1, mode: Mode::of(&definition), stages })),
            definition: Arc::new(definition),
            executions: BTreeMap::new(),
            order: Vec::new(),
            timers: BTreeMap::new(),
            effects: Vec::new(),
            rollbacks: Vec::new(),
            aliases: Vec::new(),
            events: Vec::new(),
            event_ids: HashSet::new(),
            effect_keys: HashSet::new(),
            entered: Vec::new(),
            unheard: Vec::new(),
            keep_events: true,
        }
    }

    pub fn create(&mut self, id: &str, variables: BTreeMap<String, String>) {
        let version = Some(self.gates.state.version);
        if self.definition.version != version {
            let execution_mode = Some(self.gates.state.mode.as_str().to_owned());
            self.definition = Arc::new(PipelineDeclaration { version, execution_mode, ..(*self.definition).clone() });
        }
        let state = ExecutionState::new(NewExecution {
            id: id.to_owned(),
            scope: scope(),
            definition: Arc::clone(&self.definition),
            trigger: Trigger { kind: "StartPipelineExecution".into(), detail: "arn:aws:iam::123456789012:root".into() },
            variables,
            overrides: Vec::new(),
        });
        self.order.push(id.to_owned());
        self.executions.insert(id.to_owned(), Row::new(state));
    }

    pub fn gates(&mut self, input: GateInput) -> Result<(), GateRefusal> {
        let step = Gates::step(&self.gates.state, input.clone(), self.now)?;
        let tells = self.apply_gates(input, step);
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
        self.gates(back).map_err(|r| r.to_string())
    }

    /// As the operation does: the gates first, and both or neither.
    pub fn retry(&mut self, id: &str, stage: &str, mode: RetryMode) -> Result<(), String> {
        let before = (self.gates.state.clone(), self.gates.log.len());
        self.come_back(id, stage)?;
        let answer = self.execution(id, ExecutionInput::RetryStage { stage: stage.to_owned(), mode });
        if answer.is_err() {
            self.gates.state = before.0;
            self.gates.log.truncate(before.1);
        }
        answer.map_err(|r| r.to_string())
    }

    /// As the operation does: the gates first, and both or neither.
    pub fn override_condition(&mut self, id: &str, stage: &str, kind: ConditionKind) -> Result<(), String> {
        let before = (self.gates.state.clone(), self.gates.log.len());
        self.come_back(id, stage)?;
        let input = ExecutionInput::OverrideCondition { stage: stage.to_owned(), kind, by: "ann".into() };
        let answer = self.execution(id, input);
        if answer.is_err() {
            self.gates.state = before.0;
            self.gates.log.truncate(before.1);
        }
        answer.map_err(|r| r.to_string())
    }

    /// As RollbackStage does: the execution is made, started, and given the stage, or nothing is done.
    pub fn roll_back(&mut self, id: &str, stage: &str, target: &str) -> Result<(), String> {
        let trigger = Trigger { kind: "ManualRollback".into(), detail: "ann".into() };
        let version = self.gates.state.version;
        let state =
            self.state(target).rollback(stage, version, id.to_owned(), trigger).map_err(|e| format!("{e:?}"))?;
        let occupy = GateInput::Occupy { execution: id.to_owned(), stage: stage.to_owned(), version };
        if let Err(refusal) = Gates::step(&self.gates.state, occupy.clone(), self.now) {
            return Err(refusal.to_string());
        }
        self.order.push(id.to_owned());
        self.executions.insert(id.to_owned(), Row::new(state));
        self.execution(id, ExecutionInput::Start).map_err(|r| r.to_string())?;
        self.gates(occupy).map_err(|r| r.to_string())
    }

    /// As the driver does with the effect of an execution that failed.
    pub fn perform_rollback(&mut self, failed: &str, effect: &RollBack) {
        if !matches!(self.state(failed).phase, Phase::HandingOver { .. }) {
            return;
        }
        let version = self.gates.state.version;
        let target = self.gates.state.gate(&effect.stage).and_then(|g| g.succeeded.clone());
        let fits = |id: &String| self.state(id).rollback_target(&effect.stage, version).is_ok();
        assert!(target.as_ref().is_none_or(fits), "the gate remembers what cannot be rolled back to: {target:?}");
        let missed = || self.executions.keys().find(|id| fits(id));
        assert!(target.is_some() || missed().is_none(), "the gate has forgotten a success: {:?}", missed());
        let by = target.map(|target| {
            let trigger = Trigger { kind: "AutomatedRollback".into(), detail: failed.to_owned() };
            let state =
                self.state(&target).rollback(&effect.stage, version, effect.execution.clone(), trigger).unwrap();
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
                Gates::step(&self.gates.state, input.clone(), self.now)
                    .map(|step| self.apply_gates(input, step))
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

    fn apply_gates(&mut self, input: GateInput, step: Step<Gates>) -> Vec<Tell> {
        self.gates.state = step.state;
        self.gates.log.push((self.now, input));
        self.set_timers(GATES, step.timers);
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

    /// Whether the gates have put somebody off who may enter.
    pub fn puts_off(&self) -> bool {
        self.timers.keys().any(|(id, _)| id == GATES)
    }

    /// Fires the timer with which the gates let in whom they put off.
    pub fn admit(&mut self) {
        let Some(place) = self.timers.keys().find(|(id, _)| id == GATES).cloned() else { return };
        let (_, input) = self.timers.remove(&place).expect("the timer just found");
        self.gates(serde_json::from_value(input).unwrap()).unwrap();
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
            if place.0 == GATES {
                self.admit();
                continue;
            }
            let (_, input) = self.timers.remove(&place).expect("the timer just found");
            let input: ExecutionInput = serde_json::from_value(input).unwrap();
            if let Err(refusal) = self.execution(&place.0, input) {
                self.unheard.push(refusal.to_string());
            }
        }
        self.now = until;
    }
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

/// A declaration from lines `mode MODE`, `stage NAME`, `on-failure RESULT [RETRY-MODE]`, `condition KIND RESULT`,
/// `rule NAME PROVIDER [in=A,B] [timeout=N] [KEY=VALUE]...`, and `action NAME PROVIDER [order=N] [in=A,B] [out=A,B] [ns=N] [KEY=VALUE]...`.
pub fn declare<'a>(lines: impl Iterator<Item = &'a str>) -> PipelineDeclaration {
    let mut stages: Vec<Value> = Vec::new();
    let mut variables: Vec<Value> = Vec::new();
    let mut condition = "";
    let mut mode = "SUPERSEDED";
    for line in lines {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("stage") => stages.push(json!({"name": words.next().expect("a name"), "actions": []})),
            Some("mode") => mode = words.next().expect("a mode"),
            Some("variable") => {
                variables.push(json!({"name": words.next().expect("a name"), "defaultValue": "default"}))
            }
            Some("on-failure") => {
                let stage = stages.last_mut().expect("a stage before what follows its failure");
                stage["onFailure"] = json!({"result": words.next().expect("a result")});
                if let Some(mode) = words.next() {
                    stage["onFailure"]["retryConfiguration"] = json!({"retryMode": mode});
                }
            }
            Some("condition") => {
                let (member, result) = (words.next().expect("a kind"), words.next().expect("a result"));
                let stage = stages.last_mut().expect("a stage before its conditions");
                stage[member] = json!({"conditions": [{"result": result, "rules": []}]});
                condition = member;
            }
            Some("rule") => {
                let (name, provider) = (words.next().expect("a name"), words.next().expect("a provider"));
                let stage = stages.last_mut().expect("a stage before its rules");
                let rule = declare_rule(name, provider, words);
                stage[condition]["conditions"][0]["rules"].as_array_mut().unwrap().push(rule);
            }
            Some("action") => {
                let (name, provider) = (words.next().expect("a name"), words.next().expect("a provider"));
                let action = declare_action(name, provider, words);
                let stage = stages.last_mut().expect("a stage before its actions");
                stage["actions"].as_array_mut().unwrap().push(action);
            }
            other => panic!("not a line of a pipeline: {other:?}"),
        }
    }
    let declaration: PipelineDeclaration = serde_json::from_value(json!({
        "name": "demo", "roleArn": "arn:aws:iam::123456789012:role/p", "version": 1, "pipelineType": "V2", "executionMode": mode,
        "artifactStore": {"type": "S3", "location": "artifacts"}, "stages": stages, "variables": variables,
    }))
    .unwrap();
    formats::pipeline::validate(&declaration, "eu-west-1").unwrap_or_else(|p| panic!("{}: {p}", p.code()));
    declaration
}

/// `~` stands for a space.
fn declare_rule<'a>(name: &str, provider: &str, words: impl Iterator<Item = &'a str>) -> Value {
    let id = json!({"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"});
    let mut rule = json!({"name": name, "ruleTypeId": id, "configuration": {}});
    for word in words {
        let (key, value) = word.split_once('=').expect("key=value");
        match key {
            "in" => rule["inputArtifacts"] = value.split(',').map(|n| json!({"name": n})).collect(),
            "timeout" => rule["timeoutInMinutes"] = json!(value.parse::<u32>().unwrap()),
            _ => rule["configuration"][key] = json!(value.replace('~', " ")),
        }
    }
    rule
}

fn declare_action<'a>(name: &str, provider: &str, words: impl Iterator<Item = &'a str>) -> Value {
    let (category, provider, mut config) = match provider {
        "CodeCommit" => ("Source", "CodeCommit", json!({"RepositoryName": "repo", "BranchName": "main"})),
        "S3Source" => ("Source", "S3", json!({"S3Bucket": "src", "S3ObjectKey": "src.zip"})),
        "CodeBuild" => ("Build", "CodeBuild", json!({"ProjectName": "project"})),
        "Manual" => ("Approval", "Manual", json!({})),
        "S3" => ("Deploy", "S3", json!({"BucketName": "site", "Extract": "true"})),
        other => panic!("no provider {other}"),
    };
    let mut action = json!({
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
    });
    let names = |list: &str| list.split(',').map(|n| json!({"name": n})).collect::<Value>();
    for word in words {
        let (key, value) = word.split_once('=').expect("key=value");
        match key {
            "order" => action["runOrder"] = json!(value.parse::<u32>().unwrap()),
            "in" => action["inputArtifacts"] = names(value),
            "out" => action["outputArtifacts"] = names(value),
            "ns" => action["namespace"] = json!(value),
            "timeout" => action["timeoutInMinutes"] = json!(value.parse::<u32>().unwrap()),
            _ => config[key] = json!(value),
        }
    }
    action["configuration"] = config;
    action
}
