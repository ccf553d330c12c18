//! `RetryStage`: a failed stage is tried again. User Guide, "Configuring stage retry for a failed stage or failed actions".
//!
//! So is the stage in which an execution was stopped ("For a pipeline execution in a Stopped state, the actions in the stage where the
//! execution stopped can be retried": "Stop a pipeline execution"): with FAILED_ACTIONS it goes on where it was.

use base::{Step, Timestamp};
use formats::pipeline::RetryMode;

use crate::pipeline::draft::Draft;
use crate::pipeline::event::Word;
use crate::pipeline::{
    Ended, Execution, ExecutionState, ParentRetry, Phase, Refusal, RetryTrigger, StageRun, StageStatus, Will,
};

/// Of a stage that still works, only the failed actions can be retried: the others go on.
pub(in crate::pipeline) fn retry_stage(
    state: &ExecutionState,
    stage: &str,
    mode: RetryMode,
    (by, parent): (Option<String>, Option<ParentRetry>),
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let not = |why: &str| Err(Refusal::NotRetryable { why: why.to_owned() });
    let Some(run) = state.stages.last().filter(|s| s.name == stage) else {
        return not("the execution has not failed in it");
    };
    let index = state.definition.stages.iter().position(|s| s.name == stage).unwrap_or_default();
    // Nothing of it had begun: its condition for entry comes first, as at the beginning.
    let mode = if run.status == StageStatus::Stopped && run.actions.is_empty() { RetryMode::AllActions } else { mode };
    let mut draft = Draft::of(state, now);
    let (parent, starters) = parent.map(|p| (p.key, p.starters)).unzip();
    match &state.phase {
        Phase::Ended(Ended::Stopped(_)) if run.status != StageStatus::Stopped => {
            return not("the execution was not stopped in it");
        }
        Phase::Ended(ended @ (Ended::Failed | Ended::Stopped(_))) => {
            if mode == RetryMode::FailedActions && *ended == Ended::Failed && !run.has_failed_action() {
                return not("it contains no failed actions");
            }
            draft.begin_again(index, RetryTrigger::ManualStageRetry, mode);
            draft.state.note = None;
            draft.comes_back_for(parent);
            draft.pipeline_event(Word::Resumed);
            draft.stage_event(index, Word::Resumed);
        }
        Phase::Running { will: Will::GoOn, .. } => {
            at_work(run, mode)?;
            draft.begin_again(index, RetryTrigger::ManualStageRetry, mode);
        }
        Phase::Running { will: Will::Stop(_) | Will::Cancel, .. } | Phase::HandingOver { .. } => {
            return Err(Refusal::Busy);
        }
        Phase::New | Phase::Waiting { .. } | Phase::Ended(_) => return not("the execution has not failed in it"),
    }
    draft.note_starters(by.into_iter().chain(starters.into_iter().flatten()));
    draft.retry_failed(mode);
    draft.settle();
    Ok(draft.done())
}

fn at_work(run: &StageRun, mode: RetryMode) -> Result<(), Refusal> {
    let why = match mode {
        _ if run.is_checked() => "its condition is being checked",
        RetryMode::AllActions => "it has actions in progress",
        RetryMode::FailedActions if !run.has_failed_action() => "it contains no failed actions",
        RetryMode::FailedActions => return Ok(()),
    };
    Err(Refusal::NotRetryable { why: why.to_owned() })
}
