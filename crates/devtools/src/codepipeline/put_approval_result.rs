//! PutApprovalResult: approves or rejects a manual approval, for whoever holds its token (GetPipelineState shows it).
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutApprovalResult.html>

use base::{ApiError, Timestamp};
use engine::pipeline::{Approval, Execution, ExecutionInput, Refusal, Verdict};
use formats::pipeline::Provider;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::AdvanceError;

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
    let scope = cx.scope().clone();
    let by = cx.caller.principal.arn.clone();
    let approved_at = cx
        .store
        .write(move |tx| {
            let (scope, input, by) = (scope.clone(), input.clone(), by.clone());
            Box::pin(async move {
                let row = load::pipeline(tx, &scope, &input.pipeline_name).await?;
                let declaration = load::declaration(tx, &scope, &row, None).await?;
                let (stage, action) = (&input.stage_name, &input.action_name);
                let declared = declaration.stage(stage).ok_or_else(|| errors::stage_not_found(&row.name, stage))?;
                let declared = declared.action(action).ok_or_else(|| errors::action_not_found(stage, action))?;
                if declared.provider() != Some(Provider::ManualApproval) {
                    return Err(errors::validation(format!("Action '{action}' is not a manual approval action")));
                }
                let gates = load::gates(tx, &scope, &row.name).await?;
                let latest = gates.gate(stage).and_then(|g| g.latest.clone()).ok_or_else(wrong_token)?;
                let approval = Approval {
                    stage: input.stage_name,
                    action: input.action_name,
                    token: input.token,
                    verdict: input.result.status,
                    summary: input.result.summary,
                    by,
                };
                store::advance::<Execution>(tx, &latest, ExecutionInput::Approve(approval)).await.map_err(refused)?;
                Ok::<_, ApiError>(tx.now())
            })
        })
        .await?;
    Ok(Output { approved_at })
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
