//! RetryBuild: a new build with everything that the old one was settled with.

use base::{ApiError, ErrorKind};
use engine::build::{AutoRetry, Build, Logs, Request};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Tx, machine};

use super::batch_get_builds::find;
use super::begin::begin;
use super::build_view::view;
use super::errors;
use super::settle::initiator;
use super::start_build::token;

/// The request.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub id: Option<String>,
    pub idempotency_token: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub build: Value,
}

/// Starts a build again.
pub async fn retry_build(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let id = input.id.clone().unwrap_or_default();
    if !id.contains(':') {
        return Err(errors::invalid("Invalid build ID provided"));
    }
    cx.room()?;
    let token = token(input.idempotency_token.as_deref(), &input)?;
    let (uuid, context) = (cx.ids.uuid().to_string(), cx.clone());
    let state = cx
        .store
        .write(move |tx| {
            let (cx, id, uuid, token) = (context.clone(), id.clone(), uuid.clone(), token.clone());
            Box::pin(async move {
                let old = find(tx, cx.scope(), &id).await?.ok_or_else(|| errors::build_not_found(&id))?;
                if old.state.completed().is_none() {
                    return Err(errors::invalid(format!("Build {id} cannot be retried while it is in progress")));
                }
                if let Some(batch) = &old.state.request.batch {
                    let arn = &batch.arn;
                    return Err(errors::invalid(format!("Build {id} belongs to {arn}; retry the batch instead")));
                }
                if old.state.request.parent.is_some() {
                    return Err(errors::invalid(format!(
                        "Build {id} belongs to a pipeline execution; retry the stage instead"
                    )));
                }
                begin(tx, again(&cx, old.state.request, uuid), token.as_ref()).await
            })
        })
        .await?;
    Ok(Output { build: view(&state) })
}

/// Starts a build again because it failed and its project wants that, in `tx`. Doing it twice starts one build; a
/// project that is gone starts none.
pub async fn auto_retry(tx: &mut Tx, cx: &Cx, id: &str, uuid: &str) -> Result<(), ApiError> {
    let Some(old) = machine::get::<Build>(tx, id).await? else { return Ok(()) };
    let old = old.state.request;
    let new_id = format!("{}:{uuid}", old.project);
    if machine::get::<Build>(tx, &new_id).await?.is_some() {
        return Ok(());
    }
    let Some(retry) = old.auto_retry.clone() else { return Ok(()) };
    let previous = Some(old.arn());
    let initiator = old.initiator.clone();
    let mut request = Request { initiator, ..again(cx, old, uuid.to_owned()) };
    request.auto_retry = Some(AutoRetry { limit: retry.limit, number: retry.number + 1, previous });
    match begin(tx, request, None).await {
        Ok(_) => Ok(()),
        Err(e) if e.kind == ErrorKind::Client => {
            tracing::info!(error = %e, build.id = id, "a build was not retried");
            Ok(())
        }
        Err(e) => Err(e),
    }
}

fn again(cx: &Cx, old: Request, uuid: String) -> Request {
    let logs = match &old.logs {
        Logs::Disabled => Logs::Disabled,
        Logs::CloudWatch { group, stream } => {
            Logs::CloudWatch { group: group.clone(), stream: stream.replace(&old.uuid, &uuid) }
        }
    };
    Request {
        id: format!("{}:{uuid}", old.project),
        work_dir: cx.site.data_dir.join("builds").join(&uuid),
        lenient_runtimes: cx.site.lenient_runtimes,
        submitted: cx.now(),
        initiator: initiator(cx),
        endpoint: cx.site.endpoint.clone(),
        auto_retry: old.auto_retry.clone().map(|retry| AutoRetry { number: 0, previous: None, ..retry }),
        logs,
        uuid,
        ..old
    }
}
