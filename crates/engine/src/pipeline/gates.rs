//! The gates of one pipeline: which execution is in each stage, which waits before it, and which transitions are closed.

use std::collections::BTreeMap;
use std::fmt;

use base::{Machine, Step, Tell, TimerChange, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Execution, ExecutionInput, Mode};

/// The machine of a pipeline's gates; its row's id is the pipeline's ARN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gates;

/// What a new pipeline's gates start from.
#[derive(Clone, Debug)]
pub struct NewPipeline {
    pub version: u32,
    pub mode: Mode,
    pub stages: Vec<String>,
}

/// The gates, in the order of the stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatesState {
    /// Of the definition.
    pub version: u32,
    /// Of the definition.
    #[serde(default)]
    pub mode: Mode,
    pub gates: Vec<Gate>,
    /// Gates of stages that an update has removed while an execution was inside; kept until it has left, so that a
    /// stage that comes back under its name still counts it.
    pub removed: Vec<Gate>,
    /// Executions under way that began in mode PARALLEL, oldest first. They pass no gate, whatever the mode is now.
    #[serde(default)]
    pub parallel: Vec<String>,
    /// The entries of the last instant at which somebody waited and was let in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rush: Option<Rush>,
}

/// How many executions were let in at one instant, which is that of one transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rush {
    pub at: Timestamp,
    pub entered: u32,
}

/// An execution may leave in the instant in which it enters: its stage is skipped, or fails at once. So one input can empty
/// a queue of any length, in a transaction as long as the queue. After so many entries the others wait for a timer that is
/// due at once, and go on in a transaction of their own.
const MAX_RUSH: u32 = 16;

/// One stage's gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    pub stage: String,
    /// The execution in the stage: at most one.
    pub inside: Vec<String>,
    /// Executions before the stage, oldest first: at most one in mode SUPERSEDED.
    pub waiting: Vec<String>,
    pub transition: Transition,
    /// The execution that entered last.
    pub latest: Option<String>,
    /// For each action, the execution that ran it last and has left.
    pub last_ran: BTreeMap<String, String>,
    /// The execution that was successful in the stage last, under this version of the definition and not as a rollback:
    /// what a rollback leads back to.
    #[serde(default)]
    pub succeeded: Option<String>,
    /// Whether every success under this version of the definition has come to `succeeded`. In rows of a program that did not
    /// keep it, one may have been missed.
    #[serde(default)]
    pub keeps_success: bool,
}

/// Whether executions may enter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Transition {
    /// As created.
    Open,
    /// Closed once, and opened again.
    Reopened(TransitionChange),
    Closed {
        reason: String,
        change: TransitionChange,
    },
}

/// Who changed a transition, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransitionChange {
    pub by: String,
    pub at: Timestamp,
}

/// What gates hear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GateInput {
    /// An execution leaves stage `from` (where it ran the actions `ran`) and asks for stage `to`. `is_target`: a rollback
    /// of `from` may lead back to it.
    Move {
        execution: String,
        from: Option<String>,
        ran: Vec<String>,
        to: Option<String>,
        #[serde(default)]
        is_target: bool,
    },
    /// An execution of mode PARALLEL begins, or goes on after its end.
    Begin { execution: String },
    /// An execution of mode PARALLEL has ended.
    End { execution: String },
    /// An execution that failed in a stage is to be tried there again. `version` is that of its definition.
    Return { execution: String, stage: String, version: u32 },
    /// A rollback takes a stage that is free, whoever waits before it.
    Occupy { execution: String, stage: String, version: u32 },
    /// An execution that failed in a stage leaves it to a rollback.
    HandOver { execution: String, stage: String, ran: Vec<String>, to: String, version: u32 },
    /// A waiting execution gives up.
    Withdraw { execution: String },
    /// Closes the transition into a stage.
    Disable { stage: String, reason: String, by: String },
    /// Opens it.
    Enable { stage: String, by: String },
    /// After `MAX_RUSH` entries at one instant: the others may enter, too. Does nothing when there are none.
    Admit,
    /// The definition was updated: executions under way end as their running actions end. Those of mode PARALLEL go on.
    Redefine {
        version: u32,
        #[serde(default)]
        mode: Mode,
        stages: Vec<String>,
    },
    /// The pipeline is about to be deleted: every execution under way is stopped at once.
    Delete { by: String },
}

/// Why gates do not take an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GateRefusal {
    StageNotFound {
        stage: String,
    },
    /// Another execution has been in the stage since.
    NotLatest {
        latest: Option<String>,
    },
    /// The definition was updated since the execution began.
    Redefined,
    /// An execution is in the stage.
    Occupied {
        by: String,
    },
    /// In mode PARALLEL no execution waits before a stage.
    NoTransitions,
}

impl fmt::Display for GateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GateRefusal::StageNotFound { stage } => write!(f, "The pipeline has no stage with the name '{stage}'"),
            GateRefusal::NotLatest { latest } => {
                write!(f, "the execution that was in the stage last is {}", latest.as_deref().unwrap_or("none"))
            }
            GateRefusal::Occupied { by } => write!(f, "execution {by} is in the stage"),
            GateRefusal::NoTransitions => f.write_str("a pipeline in mode PARALLEL has no transitions"),
            GateRefusal::Redefined => f.write_str("the pipeline has been updated since the execution began"),
        }
    }
}

impl GatesState {
    /// Open gates without executions.
    pub fn new(pipeline: NewPipeline) -> Self {
        GatesState {
            version: pipeline.version,
            mode: pipeline.mode,
            gates: pipeline.stages.into_iter().map(Gate::new).collect(),
            removed: Vec::new(),
            parallel: Vec::new(),
            rush: None,
        }
    }

    /// How many executions count towards the limit of the pipeline's mode; `None`: the mode has none.
    pub fn counted(&self) -> Option<usize> {
        match self.mode {
            Mode::Superseded => None,
            Mode::Queued => Some(self.under_way().count()),
            Mode::Parallel => Some(self.parallel.len()),
        }
    }

    /// The gate of a stage.
    pub fn gate(&self, stage: &str) -> Option<&Gate> {
        self.gates.iter().find(|g| g.stage == stage)
    }

    fn gate_mut(&mut self, stage: &str) -> Option<&mut Gate> {
        self.gates.iter_mut().find(|g| g.stage == stage)
    }

    fn occupy(
        &mut self,
        execution: String,
        stage: String,
        version: u32,
        tells: &mut Vec<Tell>,
    ) -> Result<(), GateRefusal> {
        let current = self.version;
        let gate = self.gate_mut(&stage).ok_or(GateRefusal::StageNotFound { stage })?;
        if version != current {
            return Err(GateRefusal::Redefined);
        }
        if let Some(by) = gate.inside.first() {
            return Err(GateRefusal::Occupied { by: by.clone() });
        }
        gate.let_in(execution, tells);
        Ok(())
    }

    fn hand_over(
        &mut self,
        execution: &str,
        stage: String,
        ran: Vec<String>,
        (to, version): (String, u32),
        tells: &mut Vec<Tell>,
    ) {
        let current = self.version;
        match self.gate_mut(&stage).filter(|_| version == current) {
            Some(gate) => {
                gate.forget(execution, ran);
                gate.let_in(to, tells);
            }
            // The definition was updated in the same moment.
            None => {
                let left = Left { stage, ran, is_target: false };
                travel(self, execution.to_owned(), Some(left), None, tells);
                tells.push(tell(to, &ExecutionInput::Cancel));
            }
        }
    }

    /// The stage is free, or holds this very execution: whoever enters becomes the latest.
    fn come_back(&mut self, execution: String, stage: String, version: u32) -> Result<(), GateRefusal> {
        let current = self.version;
        let gate = self.gate_mut(&stage).ok_or(GateRefusal::StageNotFound { stage })?;
        if gate.latest.as_ref() != Some(&execution) {
            return Err(GateRefusal::NotLatest { latest: gate.latest.clone() });
        }
        if version != current {
            return Err(GateRefusal::Redefined);
        }
        if !gate.inside.contains(&execution) {
            gate.inside.push(execution);
        }
        Ok(())
    }

    /// Lets in who waits before stages that are open and free: one each. A timer when there are more than one instant may
    /// carry.
    fn admit(&mut self, now: Timestamp, tells: &mut Vec<Tell>) -> Option<TimerChange> {
        let before = self.rush.as_ref().filter(|rush| rush.at == now).map_or(0, |rush| rush.entered);
        for (entered, gate) in (before..).zip(self.gates.iter_mut().filter(|gate| gate.admits())) {
            if entered >= MAX_RUSH {
                return Some(TimerChange::set::<Gates>("admit", now, &GateInput::Admit));
            }
            self.rush = Some(Rush { at: now, entered: entered + 1 });
            let next = gate.waiting.remove(0);
            gate.let_in(next, tells);
        }
        None
    }

    fn under_way(&self) -> impl Iterator<Item = &String> {
        self.gates.iter().chain(&self.removed).flat_map(|g| g.inside.iter().chain(&g.waiting))
    }
}

impl Gate {
    fn new(stage: String) -> Self {
        Gate {
            stage,
            inside: Vec::new(),
            waiting: Vec::new(),
            transition: Transition::Open,
            latest: None,
            last_ran: BTreeMap::new(),
            succeeded: None,
            keeps_success: true,
        }
    }

    /// Whether executions may enter.
    pub fn is_open(&self) -> bool {
        match self.transition {
            Transition::Open | Transition::Reopened(_) => true,
            Transition::Closed { .. } => false,
        }
    }

    fn arrive(&mut self, execution: String, mode: Mode, tells: &mut Vec<Tell>) {
        if self.inside.contains(&execution) || self.waiting.contains(&execution) {
            return;
        }
        match mode {
            Mode::Superseded => {
                for older in self.waiting.drain(..) {
                    tells.push(tell(older, &ExecutionInput::Superseded { by: execution.clone() }));
                }
            }
            // Who arrives at a gate of a pipeline in mode PARALLEL began before an update, and is about to be cancelled.
            Mode::Queued | Mode::Parallel => {}
        }
        self.waiting.push(execution);
    }

    fn admits(&self) -> bool {
        self.is_open() && self.inside.is_empty() && !self.waiting.is_empty()
    }

    fn let_in(&mut self, execution: String, tells: &mut Vec<Tell>) {
        self.latest = Some(execution.clone());
        tells.push(tell(execution.clone(), &ExecutionInput::Entered { stage: self.stage.clone() }));
        self.inside.push(execution);
    }

    fn forget(&mut self, execution: &str, ran: Vec<String>) {
        self.inside.retain(|e| e != execution);
        self.last_ran.extend(ran.into_iter().map(|action| (action, execution.to_owned())));
    }

    fn leave(&mut self, execution: &str, left: Left) {
        if !self.inside.iter().any(|e| e == execution) {
            return;
        }
        self.forget(execution, left.ran);
        if left.is_target {
            self.succeeded = Some(execution.to_owned());
            self.keeps_success = true;
        }
    }
}

/// A stage that an execution leaves.
struct Left {
    stage: String,
    ran: Vec<String>,
    is_target: bool,
}

fn tell(execution: String, input: &ExecutionInput) -> Tell {
    Tell::to::<Execution>(execution, input)
}

impl Machine for Gates {
    const KIND: &'static str = "pipeline";
    type State = GatesState;
    type Input = GateInput;
    type Effect = ();
    type Refusal = GateRefusal;

    fn step(state: &GatesState, input: GateInput, now: Timestamp) -> Result<Step<Gates>, GateRefusal> {
        let mut state = state.clone();
        let mut tells = Vec::new();
        // After these a stage may be free, or somebody before it.
        let may_admit = matches!(
            input,
            GateInput::Move { .. } | GateInput::HandOver { .. } | GateInput::Enable { .. } | GateInput::Admit
        );
        match input {
            GateInput::Move { execution, from, ran, to, is_target } => {
                let left = from.map(|stage| Left { stage, ran, is_target });
                travel(&mut state, execution, left, to, &mut tells);
            }
            GateInput::Begin { execution } => {
                if !state.parallel.contains(&execution) {
                    state.parallel.push(execution);
                }
            }
            GateInput::End { execution } => state.parallel.retain(|e| *e != execution),
            GateInput::Return { execution, stage, version } => state.come_back(execution, stage, version)?,
            GateInput::Occupy { execution, stage, version } => state.occupy(execution, stage, version, &mut tells)?,
            GateInput::HandOver { execution, stage, ran, to, version } => {
                state.hand_over(&execution, stage, ran, (to, version), &mut tells);
            }
            GateInput::Withdraw { execution } => {
                state.gates.iter_mut().for_each(|g| g.waiting.retain(|e| *e != execution));
            }
            GateInput::Disable { stage, reason, by } => {
                if state.mode == Mode::Parallel {
                    return Err(GateRefusal::NoTransitions);
                }
                let gate = state.gate_mut(&stage).ok_or(GateRefusal::StageNotFound { stage })?;
                gate.transition = Transition::Closed { reason, change: TransitionChange { by, at: now } };
            }
            GateInput::Enable { stage, by } => {
                let gate = state.gate_mut(&stage).ok_or(GateRefusal::StageNotFound { stage })?;
                if !gate.is_open() {
                    gate.transition = Transition::Reopened(TransitionChange { by, at: now });
                }
            }
            GateInput::Admit => state.rush = None,
            GateInput::Redefine { version, mode, stages } => {
                redefine(&mut state, version, stages, &mut tells);
                state.mode = mode;
            }
            GateInput::Delete { by } => {
                let stop =
                    ExecutionInput::Stop { abandon: true, reason: Some("The pipeline was deleted.".to_owned()), by };
                tells.extend(state.under_way().chain(&state.parallel).map(|e| tell(e.clone(), &stop)));
                // All of them end: nobody is let in, and what they say of it changes nothing.
                state.gates.iter_mut().for_each(|g| g.waiting.clear());
                state.parallel.clear();
            }
        }
        let timer = if may_admit { state.admit(now, &mut tells) } else { None };
        Ok(Step { tells, timers: Vec::from_iter(timer), ..Step::to(state) })
    }

    fn status(state: &GatesState) -> &'static str {
        if state.under_way().chain(&state.parallel).next().is_some() { "InProgress" } else { "Idle" }
    }
}

fn travel(state: &mut GatesState, execution: String, left: Option<Left>, to: Option<String>, tells: &mut Vec<Tell>) {
    let mode = state.mode;
    if let Some(left) = left {
        if let Some(gate) = state.gates.iter_mut().chain(&mut state.removed).find(|g| g.stage == left.stage) {
            gate.leave(&execution, left);
        }
        state.removed.retain(|g| !g.inside.is_empty());
    }
    if let Some(to) = to {
        match state.gate_mut(&to) {
            Some(gate) => gate.arrive(execution, mode, tells),
            // It was begun from a definition that an update has replaced in the same moment.
            None => tells.push(tell(execution, &ExecutionInput::Cancel)),
        }
    }
}

fn redefine(state: &mut GatesState, version: u32, stages: Vec<String>, tells: &mut Vec<Tell>) {
    tells.extend(state.under_way().map(|e| tell(e.clone(), &ExecutionInput::Cancel)));
    let mut old: BTreeMap<String, Gate> =
        state.gates.drain(..).chain(state.removed.drain(..)).map(|g| (g.stage.clone(), g)).collect();
    state.version = version;
    state.gates = stages
        .into_iter()
        .map(|stage| {
            let mut gate = old.remove(&stage).unwrap_or_else(|| Gate::new(stage));
            gate.waiting.clear();
            // What began with another version is no target of a rollback.
            gate.succeeded = None;
            gate.keeps_success = true;
            gate
        })
        .collect();
    state.removed = old.into_values().filter(|g| !g.inside.is_empty()).collect();
    state.removed.iter_mut().for_each(|g| g.waiting.clear());
}
