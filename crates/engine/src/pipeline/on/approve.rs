//! `Approve`: a person's decision on a manual approval.

use base::{Step, Timestamp};

use crate::pipeline::approval::part_in;
use crate::pipeline::draft::{Draft, failed};
use crate::pipeline::{
    ActionRun, ActionStatus, Approval, ApprovalRun, Execution, ExecutionState, External, Given, Phase, Refusal,
    Verdict, is_same_principal,
};

/// Refused in this order: a wrong token, an approval that is over, a principal who may not approve or has done so, a summary
/// that does not name the revision. Everyone who has the token may reject.
pub(in crate::pipeline) fn approve(
    state: &ExecutionState,
    approval: Approval,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let run = state.stage(&approval.stage).and_then(|s| s.action(&approval.action)).ok_or(Refusal::WrongToken)?;
    let asked = asked(run).filter(|asked| asked.token == approval.token).ok_or(Refusal::WrongToken)?;
    if let Some(why) = over(state, run) {
        return Err(Refusal::ApprovalCompleted { why: why.to_owned() });
    }
    let mut draft = Draft::of(state, now);
    let Approval { verdict, summary, by, .. } = approval;
    if verdict == Verdict::Rejected {
        let status = match summary.is_empty() {
            true => failed("JobFailed", "The approval was rejected."),
            false => failed("JobFailed", summary.clone()),
        };
        let summary = Some(summary).filter(|s| !s.is_empty());
        draft.end_action(&run.key, status, External { summary, by: Some(by), ..External::default() });
        draft.settle();
        return Ok(draft.done());
    }
    may_approve(state, &asked, &by, &summary)?;
    let given = Given { by: by.clone(), at: now, summary };
    draft.note_approval(&run.key, given.clone());
    let mut all = asked;
    all.given.push(given);
    if all.missing() == 0 {
        let status = ActionStatus::Succeeded { outputs: Vec::new(), variables: Default::default() };
        draft.end_action(&run.key, status, External { summary: all.outcome(), by: Some(by), ..External::default() });
        draft.settle();
    }
    Ok(draft.done())
}

/// What was asked for. An approval that an earlier program asked for knows its token alone.
fn asked(run: &ActionRun) -> Option<ApprovalRun> {
    match (&run.approval, &run.status) {
        (Some(asked), _) => Some(asked.clone()),
        (None, ActionStatus::AwaitingApproval { token }) => Some(ApprovalRun::by_anyone(token.clone())),
        (
            None,
            ActionStatus::Working | ActionStatus::Succeeded { .. } | ActionStatus::Failed(_) | ActionStatus::Abandoned,
        ) => None,
    }
}

/// Why nobody decides on it any more.
fn over(state: &ExecutionState, run: &ActionRun) -> Option<&'static str> {
    match &run.status {
        ActionStatus::AwaitingApproval { .. } => match state.phase {
            Phase::Running { .. } => None,
            Phase::New | Phase::Waiting { .. } | Phase::HandingOver { .. } | Phase::Ended(_) => {
                Some("the execution has left the stage")
            }
        },
        ActionStatus::Succeeded { .. } => Some("it has been approved"),
        ActionStatus::Failed(error) if error.code == "JobTimedOut" => Some("it was not decided on in time"),
        ActionStatus::Failed(_) => Some("it has been rejected"),
        ActionStatus::Working | ActionStatus::Abandoned => Some("the execution was stopped"),
    }
}

fn may_approve(state: &ExecutionState, asked: &ApprovalRun, by: &str, summary: &str) -> Result<(), Refusal> {
    if asked.given.iter().any(|given| is_same_principal(&given.by, by)) {
        return Err(Refusal::ApprovedBefore { by: by.to_owned(), missing: asked.missing() });
    }
    if let Some(why) = part_in(state, by).filter(|_| !asked.self_approval) {
        return Err(Refusal::SelfApproval { by: by.to_owned(), why });
    }
    match &asked.revision {
        Some(revision) if !asked.is_named_in(summary) => Err(Refusal::RevisionNotNamed { revision: revision.clone() }),
        Some(_) | None => Ok(()),
    }
}
