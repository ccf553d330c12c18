//! The match.

use base::{CommandOrder, Effect, Machine, Secret, Step, Tell, TimerChange, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{SandboxEffect, SandboxInput, SandboxState};
use crate::build::{Build, BuildRefusal, BuildState, BuildStatus, Context, PhaseEnd};
use crate::command_execution::{CommandExecution, ExecutionInput};

/// The machine of a sandbox.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sandbox;

/// Why an input is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum SandboxRefusal {
    #[error("the sandbox is {status}, so it takes no commands")]
    NotRunning { status: String },
    #[error("{0}")]
    Session(BuildRefusal),
}

impl Machine for Sandbox {
    const KIND: &'static str = "sandbox";
    type State = SandboxState;
    type Input = SandboxInput;
    type Effect = SandboxEffect;
    type Refusal = SandboxRefusal;

    fn step(state: &SandboxState, input: SandboxInput, now: Timestamp) -> Result<Step<Sandbox>, SandboxRefusal> {
        match input {
            SandboxInput::Session(input) => {
                Build::step(&state.session, input, now).map(|step| wrap(state, step)).map_err(SandboxRefusal::Session)
            }
            SandboxInput::Execute { execution, command } => execute(state, execution, command, now),
            SandboxInput::CommandEnded { execution } => {
                let mut state = state.clone();
                state.open.retain(|open| *open != execution);
                state.waiting.retain(|order| order.id != execution);
                Ok(hand_over(state))
            }
        }
    }

    fn status(state: &SandboxState) -> &'static str {
        state.status_name()
    }
}

/// The session's step as the sandbox's.
fn wrap(before: &SandboxState, step: Step<Build>) -> Step<Sandbox> {
    let mut state = SandboxState { session: step.state, ..before.clone() };
    let mut tells = step.tells;
    if before.session.completed().is_none() && state.session.completed().is_some() {
        let reason = why_it_ended(&state.session);
        state.waiting.clear();
        for execution in state.open.drain(..) {
            let ended = ExecutionInput::SandboxEnded { reason: reason.clone() };
            tells.push(Tell::to::<CommandExecution>(execution, &ended));
        }
    }
    let timer = |change| match change {
        TimerChange::Set { key, at, input } => TimerChange::Set { key, at, input: json!({ "Session": input }) },
        TimerChange::Clear { key } => TimerChange::Clear { key },
    };
    let effect = |Effect { key, effect }| Effect { key, effect: SandboxEffect::Session(effect) };
    Step {
        state,
        effects: step.effects.into_iter().map(effect).collect(),
        timers: step.timers.into_iter().map(timer).collect(),
        tells,
        events: Vec::new(),
    }
}

fn why_it_ended(session: &BuildState) -> String {
    let context = session.phases.iter().rev().find_map(|record| match &record.end {
        PhaseEnd::Ended { status, context: Some(context), .. } if *status != BuildStatus::Succeeded => Some(context),
        PhaseEnd::Ended { .. } | PhaseEnd::Open => None,
    });
    let why = context.map_or("it is over", |Context { message, .. }| message.trim());
    format!("The sandbox ended before the command did: {why}")
}

fn execute(
    state: &SandboxState,
    execution: String,
    command: Secret<String>,
    now: Timestamp,
) -> Result<Step<Sandbox>, SandboxRefusal> {
    if !state.takes_commands() {
        return Err(SandboxRefusal::NotRunning { status: state.status_name().to_owned() });
    }
    let mut state = state.clone();
    state.open.push(execution.clone());
    state.waiting.push(CommandOrder { id: execution, submitted: now, text: command });
    Ok(hand_over(state))
}

/// The next command for the job, if it is at none.
fn hand_over(mut state: SandboxState) -> Step<Sandbox> {
    let is_at_one = state.open.len() > state.waiting.len();
    if is_at_one || state.waiting.is_empty() || !state.takes_commands() {
        return Step::to(state);
    }
    let order = state.waiting.remove(0);
    let job = state.session.request.uuid.clone();
    let key = format!("{job}:order:{}", order.id);
    let effect = Effect { key, effect: SandboxEffect::Order { job, order } };
    Step { effects: vec![effect], ..Step::to(state) }
}
