//! PutJobSuccessResult: the worker is done, and so is the action; or, with a continuation token, it will go on later.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobSuccessResult.html>
//!
//! With a token, this job ends and the next one of the action, which carries the token, waits for a worker; when the action
//! type was deleted meanwhile nobody could poll for that one, so the action fails. Output variables may be 122880 bytes long
//! altogether (names and values). They and a revision come with the result that ends the action: with a token they are refused.
//!
//! Deviation: the revision that a job of any but a source action reports is not shown.

use std::collections::BTreeMap;

use base::{ApiError, Timestamp};
use engine::job::{Job, JobInput, JobState, JobSuccess, NewJob};
use engine::pipeline::{External, Revision};
use formats::pipeline::{Category, fill_url};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine::{self, NewMachine};

use super::{action_types, errors, job_view};

/// Bytes of all output variables.
const MAX_VARIABLE_BYTES: usize = 122_880;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub job_id: String,
    #[serde(default)]
    pub current_revision: Option<CurrentRevision>,
    #[serde(default)]
    pub continuation_token: Option<String>,
    #[serde(default)]
    pub execution_details: Option<ExecutionDetails>,
    #[serde(default)]
    pub output_variables: Option<BTreeMap<String, String>>,
}

/// What a source action has found.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentRevision {
    pub revision: String,
    /// What tells this change from others.
    pub change_identifier: String,
    #[serde(default)]
    pub created: Option<Timestamp>,
    #[serde(default)]
    pub revision_summary: Option<String>,
}

/// What the worker says of its work.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionDetails {
    #[serde(default)]
    pub summary: Option<String>,
    #[serde(default)]
    pub external_execution_id: Option<String>,
    /// Shown as long as the work goes on, by later jobs.
    #[serde(default)]
    pub percent_complete: Option<u8>,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Takes a success, or that the work goes on.
pub async fn put_job_success_result(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let variables = input.output_variables.iter().flatten();
    let bytes: usize = variables.map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MAX_VARIABLE_BYTES {
        return Err(ApiError::new(
            "OutputVariablesSizeExceededException",
            format!("The output variables are {bytes} bytes long, which is more than {MAX_VARIABLE_BYTES}."),
        ));
    }
    let early = [("outputVariables", bytes > 0), ("currentRevision", input.current_revision.is_some())];
    if let (Some(_), Some((member, _))) = (&input.continuation_token, early.iter().find(|(_, there)| *there)) {
        return Err(errors::validation(format!(
            "{member} can be included only when there is no continuation token: send it with the result that ends the action"
        )));
    }
    let cx_in = cx.clone();
    let taken = cx.store.write(move |tx| {
        let (cx, input) = (cx_in.clone(), input.clone());
        Box::pin(async move {
            let state = job_view::load(tx, &cx, &input.job_id).await?;
            let details = input.execution_details.clone();
            let external = External {
                id: details.as_ref().and_then(|d| d.external_execution_id.clone()),
                percent: details.as_ref().and_then(|d| d.percent_complete),
                summary: details.and_then(|d| d.summary),
                ..External::default()
            };
            let heard = match &input.continuation_token {
                None => JobInput::Succeed(success(&state, &input, external)),
                Some(token) => go_on(tx, &state, token, external).await?,
            };
            store::advance::<Job>(tx, &input.job_id, heard).await.map_err(errors::job_refused)?;
            job_view::revoke(tx, &state).await?;
            Ok::<_, ApiError>(())
        })
    });
    taken.await?;
    cx.credentials.forget();
    Ok(Output {})
}

fn success(state: &JobState, input: &Input, external: External) -> JobSuccess {
    let is_source = state.job.action_type.category == Category::Source.as_str();
    let template = state.job.settings.revision_url_template.as_deref();
    let revision = input.current_revision.as_ref().filter(|_| is_source).map(|found| Revision {
        id: found.revision.clone(),
        change: Some(found.change_identifier.clone()),
        summary: found.revision_summary.clone(),
        url: template.and_then(|template| {
            fill_url(template, |name| match name.strip_prefix("Config:") {
                Some(property) => state.job.configuration.get(property).cloned(),
                None => Some(found.revision.clone()).filter(|_| name == "RevisionId"),
            })
        }),
        created: found.created,
        pushers: Vec::new(),
        commit: None,
    });
    JobSuccess { external, variables: input.output_variables.clone().unwrap_or_default(), revision }
}

async fn go_on(tx: &mut store::Tx, state: &JobState, token: &str, external: External) -> Result<JobInput, ApiError> {
    let (scope, kind) = (&state.job.scope, &state.job.action_type);
    if action_types::find_locked(tx, scope, kind).await?.is_none() {
        let (code, message) = ("ConfigurationError".to_owned(), action_types::deleted(kind));
        return Ok(JobInput::Fail { code, message, external_id: external.id });
    }
    let next = state.job.next(token.to_owned());
    let id = next.id.clone();
    make(tx, next, state).await?;
    Ok(JobInput::Continue { next: id, external })
}

async fn make(tx: &mut store::Tx, next: NewJob, before: &JobState) -> Result<(), ApiError> {
    let (id, scope, parent) = (next.id.clone(), next.scope.clone(), NewJob::queue(&next.action_type));
    let state = JobState { external: before.external.clone(), ..JobState::new(next) };
    match machine::create(tx, NewMachine::<Job> { id, scope, parent, state }).await {
        Ok(()) => Ok(()),
        // The result came twice; the machine refuses the second.
        Err(store::Error::Duplicate { .. }) => Err(errors::invalid_job_state("Succeeded")),
        Err(e) => Err(e.into()),
    }
}
