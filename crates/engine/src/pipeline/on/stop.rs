//! `Stop`: wait for the running actions, or abandon them. User Guide, "Stop a pipeline execution".

use base::{Step, Timestamp};

use crate::pipeline::draft::{Draft, status};
use crate::pipeline::event::Word;
use crate::pipeline::{Ended, Execution, ExecutionState, GateInput, Phase, Refusal, StageStatus, StopRequest, Will};

pub(in crate::pipeline) fn stop(
    state: &ExecutionState,
    reason: Option<String>,
    by: String,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    match &state.phase {
        Phase::Running { will: Will::Stop(_), .. } => Err(Refusal::AlreadyStopping),
        Phase::New
        | Phase::Waiting { .. }
        | Phase::Running { will: Will::GoOn | Will::Cancel, .. }
        | Phase::HandingOver { .. }
        | Phase::Ended(_) => {
            let mut draft = ask(state, StopRequest { reason, by }, now)?;
            if matches!(draft.state.phase, Phase::Running { .. }) {
                draft.stop_children();
                draft.stop_waiting();
            }
            Ok(draft.done())
        }
    }
}

pub(in crate::pipeline) fn abandon(
    state: &ExecutionState,
    reason: Option<String>,
    by: String,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let mut draft = ask(state, StopRequest { reason, by }, now)?;
    match draft.state.phase {
        Phase::Running { .. } => draft.abandon_running(),
        Phase::New | Phase::Waiting { .. } | Phase::HandingOver { .. } | Phase::Ended(_) => {}
    }
    Ok(draft.done())
}

fn ask(state: &ExecutionState, request: StopRequest, now: Timestamp) -> Result<Draft, Refusal> {
    let mut draft = Draft::of(state, now);
    match &state.phase {
        Phase::New | Phase::HandingOver { .. } | Phase::Ended(_) => {
            return Err(Refusal::NotStoppable { status: status(state) });
        }
        Phase::Waiting { .. } => {
            draft.tell_gates(GateInput::Withdraw { execution: state.id.clone() });
            draft.end(Ended::Stopped(request));
        }
        Phase::Running { stage, will } => {
            let (stage, first) = (*stage, !matches!(will, Will::Stop(_)));
            draft.state.phase = Phase::Running { stage, will: Will::Stop(request) };
            if first {
                draft.current_mut().status = StageStatus::Stopping;
                draft.current_mut().updated = now;
                draft.pipeline_event(Word::Stopping);
                draft.stage_event(stage, Word::Stopping);
            }
        }
    }
    Ok(draft)
}
