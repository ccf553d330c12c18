//! GetJobDetails: a job's data, with new credentials for its artifacts.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_GetJobDetails.html>
//!
//! Deviation: a job that has ended gives no credentials, so its details are JobNotFoundException.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;
use super::job_view::{self, JobData};

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub job_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub job_details: JobDetails,
}

/// One job.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobDetails {
    pub id: String,
    pub account_id: String,
    pub data: JobData,
}

/// Reads a job.
pub async fn get_job_details(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let cx_in = cx.clone();
    let job_details = cx.store.write(move |tx| {
        let (cx, id) = (cx_in.clone(), input.job_id.clone());
        Box::pin(async move {
            let state = job_view::load_locked(tx, &cx, &id).await?;
            if state.phase.is_ended() {
                return Err(errors::job_not_found(&id));
            }
            let data = job_view::data(tx, &cx, &state, job_view::configuration(&cx, &state)?).await?;
            Ok::<_, ApiError>(JobDetails { id, account_id: state.job.scope.account.to_string(), data })
        })
    });
    Ok(Output { job_details: job_details.await? })
}
