//! `Start`: the execution asks for the first stage; a rollback waits until it is given its own. One of mode PARALLEL asks nobody.

use base::{Step, Timestamp};

use crate::pipeline::draft::Draft;
use crate::pipeline::event::Word;
use crate::pipeline::{Execution, ExecutionKind, ExecutionState, GateInput, Mode, Phase, Refusal};

pub(in crate::pipeline) fn start(state: &ExecutionState, now: Timestamp) -> Result<Step<Execution>, Refusal> {
    match state.phase {
        Phase::New => {}
        Phase::Waiting { .. } | Phase::Running { .. } | Phase::HandingOver { .. } | Phase::Ended(_) => {
            return Err(Refusal::AlreadyStarted);
        }
    }
    let mut draft = Draft::of(state, now);
    draft.state.started = Some(now);
    match &state.kind {
        ExecutionKind::Standard if state.mode() == Mode::Parallel => {
            draft.pipeline_event(Word::Started);
            draft.tell_gates(GateInput::Begin { execution: state.id.clone() });
            draft.enter(0);
        }
        ExecutionKind::Standard => {
            draft.state.phase = Phase::Waiting { stage: 0 };
            draft.pipeline_event(Word::Started);
            let to = state.definition.stages.first().map(|s| s.name.clone());
            let execution = state.id.clone();
            draft.tell_gates(GateInput::Move { execution, from: None, ran: Vec::new(), to, is_target: false });
        }
        // Whoever made it gives it the stage: no transition holds it, and no other execution takes its place.
        ExecutionKind::Rollback(rollback) => {
            draft.state.phase = Phase::Waiting { stage: rollback.stage };
            draft.pipeline_event(Word::Started);
        }
    }
    Ok(draft.done())
}
