//! `Approve`: a person's decision on a manual approval.

use base::{Step, Timestamp};

use crate::pipeline::begin::approval_token;
use crate::pipeline::draft::{Draft, failed};
use crate::pipeline::{ActionStatus, Approval, Execution, ExecutionState, External, Phase, Refusal, Verdict};

pub(in crate::pipeline) fn approve(
    state: &ExecutionState,
    approval: Approval,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let run = state.stage(&approval.stage).and_then(|s| s.action(&approval.action)).ok_or(Refusal::WrongToken)?;
    if approval_token(&run.key) != approval.token {
        return Err(Refusal::WrongToken);
    }
    let in_stage = matches!(state.phase, Phase::Running { .. });
    if !in_stage || !matches!(run.status, ActionStatus::AwaitingApproval { .. }) {
        return Err(Refusal::ApprovalCompleted);
    }
    let status = match approval.verdict {
        Verdict::Approved => ActionStatus::Succeeded { outputs: Vec::new(), variables: Default::default() },
        Verdict::Rejected if approval.summary.is_empty() => failed("JobFailed", "The approval was rejected."),
        Verdict::Rejected => failed("JobFailed", approval.summary.clone()),
    };
    let summary = Some(approval.summary).filter(|s| !s.is_empty());
    let mut draft = Draft::of(state, now);
    draft.end_action(&run.key, status, External { summary, by: Some(approval.by), ..External::default() });
    draft.settle();
    Ok(draft.done())
}
