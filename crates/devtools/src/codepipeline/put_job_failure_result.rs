//! PutJobFailureResult: the worker has failed, and so has the action, in the worker's words.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobFailureResult.html>

use base::ApiError;
use engine::job::{Job, JobInput};
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::{errors, job_view};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub job_id: String,
    pub failure_details: FailureDetails,
}

/// Why.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureDetails {
    /// The model's `FailureType`; clients see it as the action's error code.
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
    #[serde(default)]
    pub external_execution_id: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Takes a failure.
pub async fn put_job_failure_result(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let cx_in = cx.clone();
    let taken = cx.store.write(move |tx| {
        let (cx, input) = (cx_in.clone(), input.clone());
        Box::pin(async move {
            let state = job_view::load(tx, &cx, &input.job_id).await?;
            let FailureDetails { kind: code, message, external_execution_id: external_id } = input.failure_details;
            let fail = JobInput::Fail { code, message, external_id };
            store::advance::<Job>(tx, &input.job_id, fail).await.map_err(errors::job_refused)?;
            job_view::revoke(tx, &state).await?;
            Ok::<_, ApiError>(())
        })
    });
    taken.await?;
    cx.credentials.forget();
    Ok(Output {})
}
