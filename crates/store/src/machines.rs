//! The machines that the store can step without knowing their types: for tells and timers.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Machine, Step, Tell, TimerChange, Timestamp};
use serde_json::Value;

/// Every machine of this program, by kind.
#[derive(Clone, Default)]
pub struct Machines(Arc<BTreeMap<&'static str, StepFn>>);

type StepFn = fn(&str, Value, Timestamp) -> Result<Result<ErasedStep, String>, serde_json::Error>;

/// A step whose parts are already text.
pub(crate) struct ErasedStep {
    pub state: String,
    pub status: &'static str,
    pub effects: Vec<(String, String)>,
    pub timers: Vec<TimerChange>,
    pub tells: Vec<Tell>,
    pub events: Vec<base::Event>,
    /// Nothing follows from it, not even another state.
    pub idle: bool,
}

impl Machines {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds machine `M`.
    pub fn with<M: Machine>(self) -> Self {
        let mut map = Arc::unwrap_or_clone(self.0);
        let twice = map.insert(M::KIND, step_erased::<M>);
        assert!(twice.is_none(), "two machines are called {}", M::KIND);
        Machines(Arc::new(map))
    }

    /// The kinds, in alphabetical order.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    pub(crate) fn get(&self, kind: &str) -> Option<StepFn> {
        self.0.get(kind).copied()
    }
}

fn step_erased<M: Machine>(
    state: &str,
    input: Value,
    now: Timestamp,
) -> Result<Result<ErasedStep, String>, serde_json::Error> {
    let before: M::State = serde_json::from_str(state)?;
    let input: M::Input = serde_json::from_value(input)?;
    match M::step(&before, input, now) {
        Ok(step) => erase(step, &before).map(Ok),
        Err(refusal) => Ok(Err(refusal.to_string())),
    }
}

pub(crate) fn erase<M: Machine>(step: Step<M>, before: &M::State) -> Result<ErasedStep, serde_json::Error> {
    let silent = step.effects.is_empty() && step.timers.is_empty() && step.tells.is_empty() && step.events.is_empty();
    let idle = silent && step.state == *before;
    let effects = step.effects.into_iter().map(|e| Ok((e.key, serde_json::to_string(&e.effect)?)));
    Ok(ErasedStep {
        state: serde_json::to_string(&step.state)?,
        status: M::status(&step.state),
        effects: effects.collect::<Result<_, serde_json::Error>>()?,
        timers: step.timers,
        tells: step.tells,
        events: step.events,
        idle,
    })
}
