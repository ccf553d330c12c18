//! PutApprovalResult: approves or rejects a manual approval, for whoever holds its token. GetPipelineState shows it; for
//! executions of mode PARALLEL, ListActionExecutions does as `externalExecutionId`.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutApprovalResult.html>
//!
//! Beyond AWS an approval may take several principals, none of whom has brought the execution about, and the name of the
//! revision: `engine::pipeline::ApprovalRun`.

use base::{ApiError, ErrorKind, Scope, Timestamp};
use engine::pipeline::{Approval, Execution, ExecutionInput, ExecutionState, Mode, Refusal, Verdict};
use formats::pipeline::Provider;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::{AdvanceError, Tx, machine};

use super::{errors, load};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub pipeline_name: String,
    pub stage_name: String,
    pub action_name: String,
    pub result: ApprovalResult,
    pub token: String,
}

/// The decision.
#[derive(Clone, Debug, Deserialize)]
pub struct ApprovalResult {
    pub summary: String,
    /// `Approved` or `Rejected`.
    pub status: Verdict,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub approved_at: Timestamp,
}

/// Decides on an approval.
pub async fn put_approval_result(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let under_way = {
        let mut tx = cx.store.read().await?;
        under_way(&mut tx, cx.scope(), &input).await?
    };
    let known = under_way.is_some();
    let approved_at = match decide(cx, &input, under_way).await {
        // Nobody waits for it: it may be that of one that has ended, for the answer that the approval is completed.
        Err(e) if e.kind == ErrorKind::Client && !known => {
            let ended = {
                let mut tx = cx.store.read().await?;
                ended(&mut tx, cx.scope(), &input).await?
            };
            match ended {
                Some(id) => decide(cx, &input, Some(id)).await?,
                None => return Err(e),
            }
        }
        decided => decided?,
    };
    Ok(Output { approved_at })
}

/// Hands the decision to this execution, or to the one that is in the stage.
async fn decide(cx: &Cx, input: &Input, execution: Option<String>) -> Result<Timestamp, ApiError> {
    let (scope, input) = (cx.scope().clone(), input.clone());
    let by = cx.caller.principal.arn.clone();
    cx.store
        .write(move |tx| {
            let (scope, input, by, execution) = (scope.clone(), input.clone(), by.clone(), execution.clone());
            Box::pin(async move {
                let execution = match execution {
                    Some(id) => id,
                    None => inside(tx, &scope, &input).await?,
                };
                let approval = Approval {
                    stage: input.stage_name,
                    action: input.action_name,
                    token: input.token,
                    verdict: input.result.status,
                    summary: input.result.summary,
                    by,
                };
                store::advance::<Execution>(tx, &execution, ExecutionInput::Approve(approval))
                    .await
                    .map_err(refused)?;
                Ok::<_, ApiError>(tx.now())
            })
        })
        .await
}

/// The execution that was let into the stage last.
async fn inside(tx: &mut Tx, scope: &Scope, input: &Input) -> Result<String, ApiError> {
    let row = load::pipeline(tx, scope, &input.pipeline_name).await?;
    let gates = load::gates(tx, scope, &row.name).await?;
    let (stage, action) = (&input.stage_name, &input.action_name);
    let declaration = load::declaration(tx, scope, &row, None).await?;
    let declared = declaration.stage(stage).ok_or_else(|| errors::stage_not_found(&row.name, stage))?;
    let declared = declared.action(action).ok_or_else(|| errors::action_not_found(stage, action))?;
    if declared.provider() != Some(Provider::ManualApproval) {
        let what = format!("Action '{action}' is not a manual approval action");
        return Err(errors::validation(what));
    }
    gates.gate(stage).and_then(|g| g.latest.clone()).ok_or_else(wrong_token)
}

/// The execution of mode PARALLEL under way whose approval has this token. Its definition may be older than the pipeline's.
async fn under_way(tx: &mut Tx, scope: &Scope, input: &Input) -> Result<Option<String>, ApiError> {
    load::pipeline(tx, scope, &input.pipeline_name).await?;
    let gates = load::gates(tx, scope, &input.pipeline_name).await?;
    for id in &gates.parallel {
        if machine::state::<Execution>(tx, id).await?.is_some_and(|state| asked(&state, input)) {
            return Ok(Some(id.clone()));
        }
    }
    Ok(None)
}

/// The execution of mode PARALLEL, whatever has become of it, whose approval had this token.
async fn ended(tx: &mut Tx, scope: &Scope, input: &Input) -> Result<Option<String>, ApiError> {
    let row = load::pipeline(tx, scope, &input.pipeline_name).await?;
    let arn = load::arn(scope, &row.name);
    for id in machine::mentioning::<Execution>(tx, scope, &arn, &input.token).await? {
        let found = machine::get::<Execution>(tx, &id).await?;
        if found.is_some_and(|found| load::belongs(&found, scope, &row) && asked(&found.state, input)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Whether this execution, of mode PARALLEL, has asked for the approval.
fn asked(state: &ExecutionState, input: &Input) -> bool {
    let mut runs = state.attempts(&input.stage_name).filter_map(|stage| stage.action(&input.action_name));
    state.mode() == Mode::Parallel && runs.any(|run| run.external.id.as_ref() == Some(&input.token))
}

fn wrong_token() -> ApiError {
    ApiError::new("InvalidApprovalTokenException", "The approval token is not valid for this approval request.")
}

fn refused(error: AdvanceError<Refusal>) -> ApiError {
    match error {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::Refused(Refusal::ApprovalCompleted { why }) => ApiError::new(
            "ApprovalAlreadyCompletedException",
            format!("The approval action has already been approved or rejected, or has ended: {why}."),
        ),
        AdvanceError::Refused(Refusal::ApprovedBefore { by, missing }) => {
            let what = format!("{by} has approved this action already: it waits for {missing} more, of others.");
            ApiError::new("ApprovalAlreadyCompletedException", what)
        }
        // As when a policy forbids it: clients know this one of every operation.
        AdvanceError::Refused(Refusal::SelfApproval { by, why }) => ApiError::new(
            "AccessDeniedException",
            format!("User: {by} may not approve this action, whose HeadworksSelfApproval is false: {why}."),
        ),
        AdvanceError::Refused(Refusal::AuthorUnknown { source, revision }) => {
            let revision = revision.map(|id| format!("revision {id}")).unwrap_or_else(|| "the revision".to_owned());
            ApiError::new(
                "AccessDeniedException",
                format!(
                    "Nobody may approve this action, whose HeadworksSelfApproval is false: who pushed {revision} of source \
                     '{source}' is not known. Push a new commit to its branch, which starts an execution with a known author, \
                     or update the pipeline."
                ),
            )
        }
        AdvanceError::Refused(Refusal::RevisionNotNamed { revision }) => errors::validation(format!(
            "This approval is for revision {revision}: the summary of the approval must contain {revision}"
        )),
        AdvanceError::NotFound | AdvanceError::Refused(_) => wrong_token(),
    }
}
