//! `OverrideCondition`: an execution goes on although a condition is not met, or not checked to its end.
//!
//! User Guide, "Configure conditions for a stage": a condition that skips the stage cannot be overridden.

use base::{Step, Timestamp};
use formats::pipeline::{ConditionKind, ConditionResult};

use crate::pipeline::draft::Draft;
use crate::pipeline::event::Word;
use crate::pipeline::{ConditionStatus, Ended, Execution, ExecutionState, Phase, Refusal, StageStatus, Will};

pub(in crate::pipeline) fn override_condition(
    state: &ExecutionState,
    stage: &str,
    kind: ConditionKind,
    by: String,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let not = |why: &str| Err(Refusal::NotOverridable { why: why.to_owned() });
    let declared = state.definition.stage(stage).and_then(|s| s.condition(kind));
    if declared.and_then(|c| c.result) == Some(ConditionResult::Skip) {
        return not("its result is to skip the stage");
    }
    let Some(last) = state.stages.last().filter(|s| s.name == stage) else {
        return not("the execution is not in the stage");
    };
    let Some(run) = last.condition(kind) else { return not("it is not being checked") };
    let mut draft = Draft::of(state, now);
    match (&state.phase, &run.status) {
        (Phase::Running { will: Will::Stop(_) | Will::Cancel, .. } | Phase::HandingOver { .. }, _) => {
            return Err(Refusal::Busy);
        }
        (Phase::Running { .. }, ConditionStatus::InProgress) => draft.abandon_rules(),
        (Phase::Ended(Ended::Failed), ConditionStatus::Failed | ConditionStatus::Errored) => {
            let index = state.definition.stages.iter().position(|s| s.name == stage).unwrap_or_default();
            draft.state.phase = Phase::Running { stage: index, will: Will::GoOn };
            draft.current_mut().status = StageStatus::InProgress;
            draft.state.note = None;
            draft.comes_back_for(None);
            draft.pipeline_event(Word::Resumed);
            draft.stage_event(index, Word::Resumed);
        }
        (Phase::New | Phase::Waiting { .. } | Phase::Running { .. } | Phase::Ended(_), _) => {
            return not("it does not hold the execution back");
        }
    }
    draft.note_starters([by.clone()]);
    for condition in draft.current_mut().conditions.iter_mut().filter(|c| c.kind == kind) {
        condition.status = ConditionStatus::Overridden { by: by.clone() };
        condition.updated = now;
    }
    draft.settle();
    Ok(draft.done())
}
