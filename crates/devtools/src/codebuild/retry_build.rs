//! RetryBuild: a new build with everything that the old one was settled with.

use base::ApiError;
use engine::build::{Logs, Request};
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
        logs,
        uuid,
        ..old
    }
}
