//! What the gates say: `Entered`, `Superseded`, and `Cancel` after an update of the definition.

use base::{Step, Timestamp};

use crate::pipeline::draft::Draft;
use crate::pipeline::{Ended, Execution, ExecutionState, GateInput, Phase, Refusal, Will};

pub(in crate::pipeline) fn entered(
    state: &ExecutionState,
    stage: &str,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let mut draft = Draft::of(state, now);
    match state.phase {
        Phase::Waiting { stage: index } if state.definition.stages.get(index).is_some_and(|s| s.name == stage) => {
            draft.enter(index);
        }
        // It ended while the gates let it in: the stage must not stay taken.
        Phase::Ended(_) => {
            let (execution, from) = (state.id.clone(), Some(stage.to_owned()));
            draft.tell_gates(GateInput::Move { execution, from, ran: Vec::new(), to: None, is_target: false });
        }
        Phase::New | Phase::Waiting { .. } | Phase::Running { .. } | Phase::HandingOver { .. } => {
            return Err(Refusal::NotWaiting);
        }
    }
    Ok(draft.done())
}

pub(in crate::pipeline) fn superseded(
    state: &ExecutionState,
    by: String,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    match state.phase {
        Phase::Waiting { .. } => {}
        Phase::New | Phase::Running { .. } | Phase::HandingOver { .. } | Phase::Ended(_) => {
            return Err(Refusal::NotWaiting);
        }
    }
    let mut draft = Draft::of(state, now);
    draft.end(Ended::Superseded { by });
    Ok(draft.done())
}

/// User Guide, "Edit a pipeline": running actions complete, then the executions that had them end. A stop that
/// was asked for before goes first.
pub(in crate::pipeline) fn cancel(state: &ExecutionState, now: Timestamp) -> Result<Step<Execution>, Refusal> {
    let mut draft = Draft::of(state, now);
    match &state.phase {
        Phase::Waiting { .. } => {
            draft.tell_gates(GateInput::Withdraw { execution: state.id.clone() });
            draft.end(Ended::Cancelled);
        }
        Phase::Running { stage, will: Will::GoOn } => {
            draft.state.phase = Phase::Running { stage: *stage, will: Will::Cancel };
            draft.stop_waiting();
        }
        // The rollback that it waits for finds no target in the new version.
        Phase::Running { will: Will::Stop(_) | Will::Cancel, .. } | Phase::HandingOver { .. } => {}
        Phase::New | Phase::Ended(_) => return Err(Refusal::NotUnderWay),
    }
    Ok(draft.done())
}
