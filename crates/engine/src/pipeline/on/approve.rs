//! `Approve`: a person's decision on a manual approval.

use base::{Step, Timestamp};

use crate::pipeline::approval::{nameless, part_in};
use crate::pipeline::begin::timeout_of;
use crate::pipeline::draft::{Draft, failed};
use crate::pipeline::{
    ActionRun, ActionStatus, Approval, ApprovalRun, Execution, ExecutionState, External, Given, Phase, Refusal,
    Verdict, is_same_principal,
};

/// Refused in this order: a wrong token, an approval that is over, a principal who has approved before and says something else
/// now, one who may not approve, a summary that does not name the revision. Everyone who has the token may reject. Who says
/// the same again has not heard the answer, and changes nothing.
pub(in crate::pipeline) fn approve(
    state: &ExecutionState,
    approval: Approval,
    now: Timestamp,
) -> Result<Step<Execution>, Refusal> {
    let run = state.stage(&approval.stage).and_then(|s| s.action(&approval.action)).ok_or(Refusal::WrongToken)?;
    let asked = asked(run).filter(|asked| asked.token == approval.token).ok_or(Refusal::WrongToken)?;
    if let Some(why) = over(state, &approval.stage, run, now) {
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
    if asked.given.iter().any(|given| given.by == by && given.summary == summary) {
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

/// Why nobody decides on it any more. The timer may be late, when the server was down.
fn over(state: &ExecutionState, stage: &str, run: &ActionRun, now: Timestamp) -> Option<&'static str> {
    const TOO_LATE: &str = "it was not decided on in time";
    let declared = state.definition.stage(stage).and_then(|s| s.action(run.declared_name()));
    match &run.status {
        ActionStatus::AwaitingApproval { .. } => match state.phase {
            Phase::Running { .. } => declared.filter(|a| now >= run.started + timeout_of(a)).map(|_| TOO_LATE),
            Phase::New | Phase::Waiting { .. } | Phase::HandingOver { .. } | Phase::Ended(_) => {
                Some("the execution has left the stage")
            }
        },
        ActionStatus::Succeeded { .. } => Some("it has been approved"),
        ActionStatus::Failed(error) if error.code == "JobTimedOut" => Some(TOO_LATE),
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
    if let Some((source, revision)) = nameless(state).next().filter(|_| !asked.self_approval) {
        return Err(Refusal::AuthorUnknown { source: source.to_owned(), revision: revision.map(str::to_owned) });
    }
    match &asked.revision {
        Some(revision) if !asked.is_named_in(summary) => Err(Refusal::RevisionNotNamed { revision: revision.clone() }),
        Some(_) | None => Ok(()),
    }
}
