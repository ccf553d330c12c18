//! `MatrixRead`: what an action's matrix file holds is known, and its runs begin.

use base::{Step, Timestamp};
use formats::pipeline::{Values, checked_runs};

use super::action_finished::working;
use crate::pipeline::draft::{Draft, failed};
use crate::pipeline::{ActionStatus, Execution, ExecutionState, External, Phase, Refusal, Will};

pub(in crate::pipeline) fn matrix_read(
    state: &ExecutionState,
    key: String,
    runs: Vec<Values>,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let run = working(state, &key)?;
    let stage = state.stages.last().map(|s| s.name.as_str()).unwrap_or_default();
    let declared = state.definition.stage(stage).and_then(|s| s.action(&run.name));
    let Some(action) = declared.filter(|a| a.matrix().is_some() && run.cell.is_none()) else {
        return Err(Refusal::NotWaitedFor { key });
    };
    let mut draft = Draft::of(state, now);
    let goes_on = match &state.phase {
        Phase::Running { will: Will::GoOn, .. } => true,
        Phase::Running { will: Will::Stop(_) | Will::Cancel, .. }
        | Phase::New
        | Phase::Waiting { .. }
        | Phase::HandingOver { .. }
        | Phase::Ended(_) => false,
    };
    match checked_runs(&runs) {
        // What runs may finish; these have not begun.
        Ok(()) if !goes_on => draft.end_action(&key, ActionStatus::Abandoned, External::default()),
        Ok(()) => match draft.prepare_runs(state, action, runs) {
            Ok(ready) => {
                let summary = Some(format!("The matrix has {} runs.", ready.len()));
                let read = ActionStatus::Succeeded { outputs: Vec::new(), variables: Default::default() };
                draft.end_action(&key, read, External { summary, ..External::default() });
                draft.start_runs(action, ready);
            }
            Err(error) => draft.end_action(&key, ActionStatus::Failed(error), External::default()),
        },
        Err(why) => {
            let message = format!("The matrix of action '{}' is not valid: {why}.", action.name);
            draft.end_action(&key, failed("ConfigurationError", message), External::default());
        }
    }
    draft.settle();
    Ok(draft.done())
}
