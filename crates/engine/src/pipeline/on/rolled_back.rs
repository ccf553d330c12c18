//! `RolledBack`: the stage goes to the rollback, or is left. User Guide, "Configure a stage for automatic rollback".

use base::{Step, TimerChange, Timestamp};

use crate::pipeline::draft::Draft;
use crate::pipeline::{Ended, Execution, ExecutionState, GateInput, Phase, Refusal};

pub(in crate::pipeline) fn rolled_back(
    state: &ExecutionState,
    by: Option<String>,
    why: Option<String>,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    match state.phase {
        Phase::HandingOver { .. } => {}
        Phase::New | Phase::Waiting { .. } | Phase::Running { .. } | Phase::Ended(_) => {
            return Err(Refusal::NotHandingOver);
        }
    }
    let mut draft = Draft::of(state, now);
    let (execution, version) = (state.id.clone(), state.version);
    let stage = draft.current().name.clone();
    let ran = draft.current().ran();
    let key = draft.rollback_key();
    draft.timers.push(TimerChange::clear(key));
    draft.tell_gates(match by {
        Some(to) => GateInput::HandOver { execution, stage, ran, to, version },
        None => GateInput::Move { execution, from: Some(stage), ran, to: None, is_target: false },
    });
    draft.state.note = why;
    draft.state.phase = Phase::Ended(Ended::Failed);
    draft.tell_parent();
    Ok(draft.done())
}
