//! PutApprovalResult: approves or rejects a manual approval, for whoever holds its token. GetPipelineState shows it; for
//! executions of mode PARALLEL, ListActionExecutions does as `externalExecutionId`.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutApprovalResult.html>

use base::{ApiError, Scope, Timestamp};
use engine::pipeline::{Approval, Execution, ExecutionInput, ExecutionState, GatesState, Mode, Refusal, Verdict};
use formats::pipeline::Provider;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::{AdvanceError, Tx, machine};

use super::{errors, load};

/// How many of the executions that began last are asked whether a token was theirs.
const RECENT: u32 = 50;

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
    let scope = cx.scope().clone();
    let by = cx.caller.principal.arn.clone();
    let approved_at = cx
        .store
        .write(move |tx| {
            let (scope, input, by) = (scope.clone(), input.clone(), by.clone());
            Box::pin(async move {
                let row = load::pipeline(tx, &scope, &input.pipeline_name).await?;
                let gates = load::gates(tx, &scope, &row.name).await?;
                let (stage, action) = (&input.stage_name, &input.action_name);
                let execution = match parallel(tx, &scope, &gates, &input).await? {
                    Some(id) => id,
                    None => {
                        let declaration = load::declaration(tx, &scope, &row, None).await?;
                        let declared =
                            declaration.stage(stage).ok_or_else(|| errors::stage_not_found(&row.name, stage))?;
                        let declared =
                            declared.action(action).ok_or_else(|| errors::action_not_found(stage, action))?;
                        if declared.provider() != Some(Provider::ManualApproval) {
                            let what = format!("Action '{action}' is not a manual approval action");
                            return Err(errors::validation(what));
                        }
                        gates.gate(stage).and_then(|g| g.latest.clone()).ok_or_else(wrong_token)?
                    }
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
        .await?;
    Ok(Output { approved_at })
}

/// The execution of mode PARALLEL whose approval has this token. Its definition may be older than the pipeline's. The last
/// that have ended are asked too, for the answer that the approval is completed.
async fn parallel(
    tx: &mut Tx,
    scope: &Scope,
    gates: &GatesState,
    input: &Input,
) -> Result<Option<String>, store::Error> {
    let asks = |state: &ExecutionState| {
        let mut runs = state.attempts(&input.stage_name).filter_map(|stage| stage.action(&input.action_name));
        state.mode() == Mode::Parallel && runs.any(|run| run.external.id.as_ref() == Some(&input.token))
    };
    for id in &gates.parallel {
        if machine::state::<Execution>(tx, id).await?.is_some_and(|state| asks(&state)) {
            return Ok(Some(id.clone()));
        }
    }
    if gates.mode != Mode::Parallel {
        return Ok(None);
    }
    let arn = load::arn(scope, &input.pipeline_name);
    let ended = machine::list::<Execution>(tx, scope, Some(&arn), None, RECENT, true).await?;
    Ok(ended.into_iter().find(|row| asks(&row.state)).map(|row| row.id))
}

fn wrong_token() -> ApiError {
    ApiError::new("InvalidApprovalTokenException", "The approval token is not valid for this approval request.")
}

fn refused(error: AdvanceError<Refusal>) -> ApiError {
    match error {
        AdvanceError::Store(e) => e.into(),
        AdvanceError::Refused(Refusal::ApprovalCompleted) => ApiError::new(
            "ApprovalAlreadyCompletedException",
            "The approval action has already been approved or rejected.",
        ),
        AdvanceError::NotFound | AdvanceError::Refused(_) => wrong_token(),
    }
}
