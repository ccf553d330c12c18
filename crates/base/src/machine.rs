//! What every state machine is: a pure function from state and input to what comes next.

use std::fmt::{Debug, Display};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Event, Timestamp};

/// A pure state machine. `store::advance` is the only caller of `step` in production.
pub trait Machine: Sized + Send + Sync + 'static {
    /// The name under which rows of this machine are stored, `build` say. Never change it.
    const KIND: &'static str;
    type State: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    type Input: Clone + Debug + Serialize + DeserializeOwned + Send + Sync;
    type Effect: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync;
    /// Why an input is not accepted now: a normal answer, which changes nothing.
    type Refusal: Clone + Debug + Display + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// Decides. No clock, no randomness, no I/O: the same arguments give the same step.
    fn step(state: &Self::State, input: Self::Input, now: Timestamp) -> Result<Step<Self>, Self::Refusal>;

    /// The state's name for indexes and metrics, in AWS's spelling (`InProgress`, `SUCCEEDED`).
    fn status(state: &Self::State) -> &'static str;
}

/// What an accepted input leads to; all of it is committed together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<M: Machine> {
    pub state: M::State,
    /// Work for the driver.
    pub effects: Vec<Effect<M::Effect>>,
    /// Timers to set or to clear.
    pub timers: Vec<TimerChange>,
    /// Inputs for other machines, delivered in the same transaction, in this order, after this step.
    pub tells: Vec<Tell>,
    /// Events for the bus.
    pub events: Vec<Event>,
}

impl<M: Machine> Step<M> {
    /// A step that changes the state alone.
    pub fn to(state: M::State) -> Self {
        Step { state, effects: Vec::new(), timers: Vec::new(), tells: Vec::new(), events: Vec::new() }
    }
}

/// One piece of work with the key that makes it idempotent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect<E> {
    /// Derived from what the work is for and its attempt, never minted. Results carry it back; a result
    /// with an old key is ignored. Unique within the machine's row.
    pub key: String,
    pub effect: E,
}

/// A timer of one machine row, named by `key`. When due, `input` goes through `advance` once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TimerChange {
    Set { key: String, at: Timestamp, input: Value },
    Clear { key: String },
}

/// An input for another machine. A refusal by the other machine is logged and does not undo the teller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tell {
    pub kind: String,
    pub id: String,
    pub input: Value,
}

impl Tell {
    /// A tell for the row `id` of machine `M`.
    pub fn to<M: Machine>(id: impl Into<String>, input: &M::Input) -> Self {
        Tell { kind: M::KIND.to_owned(), id: id.into(), input: json(input) }
    }
}

impl TimerChange {
    /// Sets (or moves) a timer of machine `M`.
    pub fn set<M: Machine>(key: impl Into<String>, at: Timestamp, input: &M::Input) -> Self {
        TimerChange::Set { key: key.into(), at, input: json(input) }
    }

    /// Clears a timer, if it is set.
    pub fn clear(key: impl Into<String>) -> Self {
        TimerChange::Clear { key: key.into() }
    }
}

/// Inputs are plain data: serialising them cannot fail unless a map has keys that are not strings, which is a bug.
fn json<T: Serialize>(value: &T) -> Value {
    match serde_json::to_value(value) {
        Ok(value) => value,
        Err(e) => panic!("an input must serialise to JSON: {e}"),
    }
}
