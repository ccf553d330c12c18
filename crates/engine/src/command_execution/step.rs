//! The match.

use base::{CommandRecord, Machine, Step, Tell, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ExecutionInput, ExecutionState, Progress};
use crate::sandbox::{Sandbox, SandboxInput};

/// The machine of a command execution; its rows' parent is the sandbox.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommandExecution;

/// It takes every input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ExecutionRefusal {}

impl Machine for CommandExecution {
    const KIND: &'static str = "command_execution";
    type State = ExecutionState;
    type Input = ExecutionInput;
    type Effect = ();
    type Refusal = ExecutionRefusal;

    fn step(
        state: &ExecutionState,
        input: ExecutionInput,
        now: Timestamp,
    ) -> Result<Step<CommandExecution>, ExecutionRefusal> {
        let started = match &state.progress {
            Progress::Submitted => None,
            Progress::Running { started } => Some(*started),
            Progress::Exited { .. } | Progress::Interrupted { .. } => return Ok(Step::to(state.clone())),
        };
        let mut state = state.clone();
        let mut tells = Vec::new();
        match input {
            ExecutionInput::Reported(CommandRecord { started, finished: None, .. }) => {
                state.progress = Progress::Running { started };
            }
            ExecutionInput::Reported(CommandRecord { started, finished: Some(end), .. }) => {
                state.progress = Progress::Exited { started, end };
                let ended = SandboxInput::CommandEnded { execution: state.id.clone() };
                tells.push(Tell::to::<Sandbox>(state.sandbox.clone(), &ended));
            }
            ExecutionInput::SandboxEnded { reason } => {
                state.progress = Progress::Interrupted { started, at: now, reason };
            }
        }
        Ok(Step { tells, ..Step::to(state) })
    }

    fn status(state: &ExecutionState) -> &'static str {
        state.status_name()
    }
}
