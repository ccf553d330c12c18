//! The way into a job: `StartSandboxConnection` with `Upgrade: headworks-attach`. It is signed and held against policies as
//! every other request; then the connection is the shell's.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use base::ApiError;
use devtools::codebuild::attach_target;
use executor::HostConfig;
use executor::shim::{Terminal, Visit, VisitError};
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use wire::Call;

use super::aws::admit;
use super::body::{Body, Incoming, whole};
use crate::attach::{PROTOCOL, TERM_HEADER, WINDOW_HEADER, relay};
use crate::installation::Installation;

/// Whether a request wants to go over to our protocol.
pub fn is_wanted<B>(request: &Request<B>) -> bool {
    request.headers().get(header::UPGRADE).is_some_and(|v| v.as_bytes() == PROTOCOL.as_bytes())
}

/// Answers such a request.
pub async fn answer(installation: &Arc<Installation>, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    let request_id = installation.cx.ids.uuid().to_string();
    let (mut parts, incoming) = request.into_parts();
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let call = match wire::route(&parts, &installation.hosts, None) {
        Ok(call) => call,
        Err(e) => return wire::refuse(&parts, &e, &request_id).map(whole),
    };
    match open(installation, &parts, incoming, &call, (&request_id, peer), upgrade).await {
        Ok(()) => {
            let mut response = Response::new(whole(""));
            *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static(PROTOCOL));
            response
        }
        Err(e) => {
            tracing::debug!(request.id = request_id, error = %e, "nobody was let in");
            wire::encode(&call, Err(&e), &request_id).map(whole)
        }
    }
}

async fn open(
    installation: &Arc<Installation>,
    parts: &Parts,
    incoming: Incoming,
    call: &Call,
    (request_id, peer): (&str, SocketAddr),
    upgrade: Option<OnUpgrade>,
) -> Result<(), ApiError> {
    let invalid = |why: String| ApiError::new("InvalidInputException", why);
    let (cx, input) = admit(installation, parts, incoming, call, request_id, peer).await?;
    let upgrade = upgrade.ok_or_else(|| invalid("this connection cannot go over to another protocol".to_owned()))?;
    if call.operation.name() != "StartSandboxConnection" {
        return Err(invalid(format!("{} does not go over to {PROTOCOL}", call.operation.name())));
    }
    let id = input.get("sandboxId").and_then(Value::as_str).unwrap_or_default();
    let job = attach_target(&cx, id).await?;
    let terminal = terminal(parts).ok_or_else(|| invalid(format!("{WINDOW_HEADER} is not ROWS,COLUMNS")))?;
    let place = installation.visits.clone().try_acquire_owned();
    let place = place.map_err(|_| invalid("too many shells are open; close one".to_owned()))?;
    let jobs_dir = HostConfig::new(&installation.cx.site.data_dir).jobs_dir();
    let (dir, named) = (jobs_dir.clone(), job.clone());
    let visit = tokio::task::spawn_blocking(move || Visit::open(&dir, &named, &terminal));
    let visit = visit.await.map_err(ApiError::internal)?.map_err(|e| match e {
        VisitError::NotRunning | VisitError::Closed => invalid(format!("No shell can be opened in {id}: {e}")),
        VisitError::Io(e) => ApiError::internal(e),
    })?;
    tracing::info!(request.id = request_id, caller = %cx.caller.principal.arn, target = id, "a shell was opened");
    tokio::spawn(carry(upgrade, visit, place, (jobs_dir, job)));
    Ok(())
}

async fn carry(upgrade: OnUpgrade, visit: Visit, _place: OwnedSemaphorePermit, (jobs_dir, job): (PathBuf, String)) {
    let stream = match upgrade.await {
        Ok(stream) => TokioIo::new(stream),
        Err(e) => return tracing::debug!(error = %e, "whoever asked for a shell did not wait for it"),
    };
    if let Err(e) = relay(visit, stream, jobs_dir, job).await {
        tracing::debug!(error = %e, "the connection of a shell broke");
    }
}

/// What the user sits at; a window of a usual size where nothing is said of it.
fn terminal(parts: &Parts) -> Option<Terminal> {
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let mut words = text(WINDOW_HEADER).unwrap_or("24,80").split(',');
    let rows = words.next()?.parse().ok()?;
    let columns = words.next()?.parse().ok()?;
    let echo = words.next() != Some("quiet");
    let kind = text(TERM_HEADER).filter(|kind| crate::attach::is_kind(kind)).unwrap_or("dumb").to_owned();
    Some(Terminal { rows, columns, kind, echo })
}
