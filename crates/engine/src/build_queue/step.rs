//! The machine.

use base::{Machine, Scope, Step, Tell, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Limits, QueueInput, QueueState, Ticket, Waiting};
use crate::build::{Build, BuildInput, Purpose};
use crate::sandbox::{Sandbox, SandboxInput};

/// The machine of a queue; its row's id is `queue_id`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BuildQueue;

/// A queue takes every input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum QueueRefusal {}

/// The id of a scope's queue.
pub fn queue_id(scope: &Scope) -> String {
    format!("{}:{}", scope.account, scope.region)
}

impl Machine for BuildQueue {
    const KIND: &'static str = "build_queue";
    type State = QueueState;
    type Input = QueueInput;
    type Effect = ();
    type Refusal = QueueRefusal;

    fn step(state: &QueueState, input: QueueInput, _now: Timestamp) -> Result<Step<BuildQueue>, QueueRefusal> {
        let mut state = state.clone();
        match input {
            QueueInput::Ask { ticket } => ask(&mut state, ticket),
            QueueInput::Leave { build } => {
                state.running.retain(|running| running.build != build);
                state.waiting.retain(|waiting| waiting.build != build);
            }
            QueueInput::Project { name, limit } => set_project(&mut state, &name, limit),
            QueueInput::Fleet { arn, slots: Some(slots) } => {
                state.fleets.insert(arn, slots);
            }
            QueueInput::Fleet { arn, slots: None } => {
                state.fleets.remove(&arn);
            }
        }
        let mut tells = Vec::new();
        while let Some((id, purpose)) = state.admit_one() {
            let admitted = BuildInput::Admitted {};
            tells.push(match purpose {
                Purpose::Build => Tell::to::<Build>(id, &admitted),
                Purpose::Sandbox => Tell::to::<Sandbox>(id, &SandboxInput::Session(admitted)),
            });
        }
        Ok(Step { tells, ..Step::to(state) })
    }

    fn status(state: &QueueState) -> &'static str {
        match (state.running.is_empty(), state.waiting.is_empty()) {
            (true, true) => "Idle",
            (_, false) => "Waiting",
            (false, true) => "Running",
        }
    }
}

fn ask(state: &mut QueueState, ticket: Ticket) {
    let Ticket { build, project, purpose, limits: Limits { account, project: limit, fleet } } = ticket;
    let known = state.running.iter().any(|r| r.build == build) || state.waiting.iter().any(|w| w.build == build);
    if known {
        return;
    }
    state.account_limit = account;
    set_project(state, &project, limit);
    let fleet = fleet.map(|fleet| {
        state.fleets.insert(fleet.arn.clone(), fleet.slots);
        fleet.arn
    });
    state.waiting.push(Waiting { build, project, fleet, purpose });
}

fn set_project(state: &mut QueueState, name: &str, limit: Option<u32>) {
    match limit {
        Some(limit) => state.project_limits.insert(name.to_owned(), limit),
        None => state.project_limits.remove(name),
    };
}
