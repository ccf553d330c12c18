//! AcknowledgeJob: the worker with the nonce of the latest hand-out begins; nobody else is handed the job from then on.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_AcknowledgeJob.html>
//!
//! The same nonce may acknowledge twice, so that a worker that did not hear the answer can ask again, and that one that works
//! long can ask whether its result is still wanted.

use base::ApiError;
use engine::job::{Job, JobInput, JobPhase, JobRefusal};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::AdvanceError;

use super::{errors, job_view};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub job_id: String,
    pub nonce: String,
}

#[derive(Debug, Serialize)]
pub struct Output {
    pub status: &'static str,
}

/// Acknowledges a job.
pub async fn acknowledge_job(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    match &job_view::load(&mut tx, cx, &input.job_id).await?.phase {
        JobPhase::InProgress { nonce, .. } if *nonce == input.nonce => return Ok(Output { status: "InProgress" }),
        _ => drop(tx),
    }
    let cx_in = cx.clone();
    let status = cx.store.write(move |tx| {
        let (cx, input) = (cx_in.clone(), input.clone());
        Box::pin(async move {
            job_view::load(tx, &cx, &input.job_id).await?;
            let acknowledge = JobInput::Acknowledge { nonce: input.nonce };
            match store::advance::<Job>(tx, &input.job_id, acknowledge).await {
                Ok(advanced) => Ok(advanced.state.phase.as_str()),
                Err(AdvanceError::Store(e)) => Err(e.into()),
                Err(AdvanceError::NotFound) => Err(errors::job_not_found(&input.job_id)),
                Err(AdvanceError::Refused(
                    JobRefusal::WrongNonce
                    | JobRefusal::Ended
                    | JobRefusal::NotInProgress { .. }
                    | JobRefusal::NotQueued { .. },
                )) => {
                    Err(ApiError::new("InvalidNonceException", "The nonce is not that of the job's latest hand-out."))
                }
            }
        })
    });
    Ok(Output { status: status.await? })
}
