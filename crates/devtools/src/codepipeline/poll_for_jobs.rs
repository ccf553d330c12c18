//! PollForJobs: hands out jobs of an action type, oldest first, each with a nonce of its own.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PollForJobs.html>
//!
//! A job that was handed out is nobody else's for a minute. If it is not acknowledged by then, it is handed out again, and the
//! earlier nonce and credentials count no more. `queryParam` finds jobs by the one queryable property of the type; a type that has
//! one is polled with it only.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{ApiError, Scope, Timestamp};
use engine::job::{Job, JobInput, JobState, NewJob};
use formats::pipeline::{ActionTypeId, CustomActionType};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_action_type::jobs;
use store::{AdvanceError, Tx, machine};

use super::job_view::{self, JobData};
use super::{action_types, errors};

/// Jobs in one answer at most, whatever is asked for.
const MAX_BATCH: u32 = 50;
/// How often it is looked again when those that were found could not be handed out.
const ROUNDS: usize = 3;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub action_type_id: ActionTypeId,
    #[serde(default)]
    pub max_batch_size: Option<u32>,
    #[serde(default)]
    pub query_param: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Serialize)]
pub struct Output {
    pub jobs: Vec<HandedOut>,
}

/// A job with the nonce of this hand-out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HandedOut {
    pub id: String,
    pub nonce: String,
    pub account_id: String,
    pub data: JobData,
}

/// Which jobs, and how many.
#[derive(Clone)]
struct Wanted {
    scope: Scope,
    queue: String,
    query: Vec<(String, String)>,
    limit: usize,
    by: String,
}

/// Hands out jobs.
pub async fn poll_for_jobs(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let mut tx = cx.store.read().await?;
    let kind = action_types::load(&mut tx, &scope, &input.action_type_id).await?;
    let query: Vec<(String, String)> = input.query_param.unwrap_or_default().into_iter().collect();
    queryable(&kind, &query)?;
    let queue = NewJob::queue(&input.action_type_id);
    let limit = input.max_batch_size.unwrap_or(1).clamp(1, MAX_BATCH) as usize;
    let wanted = Arc::new(Wanted { scope, queue, query, limit, by: cx.caller.principal.arn.clone() });
    let mut found = find(&mut tx, &wanted).await?;
    drop(tx);
    let mut all = Handed::default();
    for _ in 0..ROUNDS {
        // Workers ask all the time, mostly for nothing: that costs no write.
        if found.is_empty() {
            break;
        }
        let (cx_in, wanted_in, ids) = (cx.clone(), wanted.clone(), Arc::new(found));
        let handed = cx.store.write(move |tx| {
            let (cx, wanted, ids) = (cx_in.clone(), wanted_in.clone(), ids.clone());
            Box::pin(async move {
                let mut handed = Handed::default();
                for id in ids.iter() {
                    hand_out_one(tx, &cx, &wanted, id, &mut handed).await?;
                }
                Ok::<_, ApiError>(handed)
            })
        });
        let handed = handed.await?;
        all.has_revoked |= handed.has_revoked;
        all.jobs = handed.jobs;
        if !all.jobs.is_empty() {
            break;
        }
        // Others were faster, and there may be more.
        found = find(&mut cx.store.read().await?, &wanted).await?;
    }
    let Handed { jobs, has_revoked } = all;
    if has_revoked {
        cx.credentials.forget();
    }
    Ok(Output { jobs })
}

fn queryable(kind: &CustomActionType, query: &[(String, String)]) -> Result<(), ApiError> {
    match query.iter().find(|(name, _)| !kind.property(name).is_some_and(|p| p.is_queryable())) {
        Some((name, _)) => {
            Err(errors::validation(format!("'{name}' is not a queryable configuration property of the action type")))
        }
        None => match kind.action_configuration_properties.iter().find(|p| p.is_queryable()) {
            Some(p) if query.is_empty() => Err(errors::validation(format!(
                "queryParam must have a value for '{}', by which jobs of the action type are found",
                p.name
            ))),
            _ => Ok(()),
        },
    }
}

/// What one call has done.
#[derive(Default)]
struct Handed {
    jobs: Vec<HandedOut>,
    /// Credentials of earlier hand-outs were ended.
    has_revoked: bool,
}

/// The first jobs that are wanted. Read before anything is written: a queue may be long, and hold few of them.
async fn find(tx: &mut Tx, wanted: &Wanted) -> Result<Vec<String>, ApiError> {
    let mut found = Vec::new();
    let mut after: Option<(Timestamp, String)> = None;
    loop {
        let at = after.as_ref().map(|(at, id)| (*at, id.as_str()));
        let page = jobs(tx, &wanted.scope, (&wanted.queue, "Queued"), at, MAX_BATCH).await?;
        for (_, id) in &page {
            let fits = wanted.query.is_empty()
                || machine::state::<Job>(tx, id).await?.is_some_and(|state| matches(&state, &wanted.query));
            if fits {
                found.push(id.clone());
            }
            if found.len() == wanted.limit {
                return Ok(found);
            }
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(found),
        }
    }
}

async fn hand_out_one(tx: &mut Tx, cx: &Cx, wanted: &Wanted, id: &str, handed: &mut Handed) -> Result<(), ApiError> {
    let Some(row) = machine::get::<Job>(tx, id).await?.filter(|row| matches(&row.state, &wanted.query)) else {
        return Ok(());
    };
    let configuration = match job_view::configuration(cx, &row.state) {
        Ok(configuration) => configuration,
        // No worker could ever do it; the jobs behind it must not wait for that.
        Err(e) => {
            tracing::error!(error = %e, job.id = id, "the secrets of a job cannot be opened");
            let message = "The secret values of the action's configuration cannot be opened.".to_owned();
            if advance(tx, id, JobInput::Withdraw { message }).await? {
                handed.has_revoked |= job_view::revoke(tx, &row.state).await?;
            }
            return Ok(());
        }
    };
    let nonce = cx.ids.uuid().to_string();
    // Another worker may have been faster.
    if !advance(tx, id, JobInput::HandOut { nonce: nonce.clone(), by: wanted.by.clone() }).await? {
        return Ok(());
    }
    handed.has_revoked |= job_view::revoke(tx, &row.state).await?;
    let data = job_view::data(tx, cx, &row.state, configuration).await?;
    handed.jobs.push(HandedOut { id: id.to_owned(), nonce, account_id: wanted.scope.account.to_string(), data });
    Ok(())
}

/// Whether the job took it.
async fn advance(tx: &mut Tx, id: &str, input: JobInput) -> Result<bool, ApiError> {
    match store::advance::<Job>(tx, id, input).await {
        Ok(_) => Ok(true),
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => Ok(false),
        Err(AdvanceError::Store(e)) => Err(e.into()),
    }
}

fn matches(state: &JobState, query: &[(String, String)]) -> bool {
    query.iter().all(|(name, value)| state.job.configuration.get(name) == Some(value))
}
