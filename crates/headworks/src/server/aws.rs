//! An AWS request's way: route, authenticate, decode, decide, call, encode.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use base::{ApiError, ErrorKind};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use platform::{Caller, Cx};
use serde_json::Value;
use wire::Call;

use super::body::{Body, Incoming, streamed, whole};
use super::payload::{Pace, Payload, announced, unframe};
use crate::authenticate::{Allowance, Authenticated, Claim, allowance, authenticate, authorize, identify};
use crate::installation::Installation;
use crate::registry::{self, Entry, Handler};

/// Answers one request to any AWS service.
pub async fn answer(installation: &Arc<Installation>, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    let begun = Instant::now();
    let request_id = installation.cx.ids.uuid().to_string();
    let (parts, incoming) = request.into_parts();
    let (call, result) = run(installation, &parts, incoming, &request_id, peer).await;
    if let Err(e) = &result {
        log_failure(e, call.as_ref(), &request_id);
    }
    let response = finish(call.as_ref(), &parts, result, &request_id);
    let (service, operation) = call.as_ref().map_or(("unknown", "unknown"), |c| (c.service.name(), c.operation.name()));
    installation.metrics.request(service, operation, response.status().as_u16(), begun.elapsed());
    response
}

type Answer = (Value, Option<platform::ByteStream>);

async fn run(
    installation: &Arc<Installation>,
    parts: &Parts,
    incoming: Incoming,
    request_id: &str,
    peer: SocketAddr,
) -> (Option<Call>, Result<Answer, ApiError>) {
    let mut payload = Payload::Unread(incoming);
    let mut form = None;
    if wire::wants_form(parts) {
        let (bytes, pace) = match allowance(installation, parts).await {
            Allowance::Known { bytes } => (bytes, Pace::UNPROVEN),
            Allowance::Stranger { bytes } => (bytes, Pace::STRANGER),
        };
        match payload.read(bytes, pace).await {
            Ok(bytes) => {
                payload = Payload::Read(bytes.clone());
                form = Some(bytes);
            }
            Err(e) => return (None, Err(e)),
        }
    }
    match wire::route(parts, &installation.hosts, form.as_deref()) {
        Ok(call) => {
            let result = call_operation(installation, parts, payload, &call, request_id, peer).await;
            (Some(call), result)
        }
        Err(e) => (None, Err(e)),
    }
}

async fn call_operation(
    installation: &Arc<Installation>,
    parts: &Parts,
    payload: Payload,
    call: &Call,
    request_id: &str,
    peer: SocketAddr,
) -> Result<Answer, ApiError> {
    let entry = registry::find(call.service.name(), call.operation.name());
    let claim = identify(installation, parts, call).await?;
    if let Some(Entry { handler: Handler::Upload(f), .. }) = entry {
        let who = authenticate(installation, parts, call, claim, None)?;
        let cx = context(installation, &who, request_id, peer);
        cx.room()?;
        let input = wire::decode(call, parts, b"")?;
        authorize(&cx, call, &input).await?;
        let body = payload.stream(who.reader, announced(parts));
        return Ok((f(cx, input, body).await?, None));
    }
    let (cx, input, body) = take_in(installation, parts, payload, call, claim, (request_id, peer)).await?;
    let entry = entry.ok_or_else(|| not_implemented(call))?;
    match entry.handler {
        Handler::Plain(f) => Ok((f(cx, input).await?, None)),
        Handler::Upload(f) => Ok((f(cx, input, body.into()).await?, None)),
        Handler::Download(f) => f(cx, input).await.map(|(output, body)| (output, Some(body))),
    }
}

/// Who calls, and with what, once it is known that they may: for a call that is not answered as all others are.
pub(super) async fn admit(
    installation: &Arc<Installation>,
    parts: &Parts,
    incoming: Incoming,
    call: &Call,
    request_id: &str,
    peer: SocketAddr,
) -> Result<(Cx, Value), ApiError> {
    let claim = identify(installation, parts, call).await?;
    let payload = Payload::Unread(incoming);
    let (cx, input, _) = take_in(installation, parts, payload, call, claim, (request_id, peer)).await?;
    Ok((cx, input))
}

/// Takes in a body that is held in memory, and whoever sends it. An operation that is absent is one only for who may ask.
async fn take_in(
    installation: &Arc<Installation>,
    parts: &Parts,
    payload: Payload,
    call: &Call,
    claim: Option<Claim>,
    (request_id, peer): (&str, SocketAddr),
) -> Result<(Cx, Value, Bytes), ApiError> {
    let raw = payload.read(installation.config.max_body_bytes, Pace::UNPROVEN).await?;
    let who = authenticate(installation, parts, call, claim, Some(&raw))?;
    if registry::find(call.service.name(), call.operation.name()).is_none() {
        return Err(not_implemented(call));
    }
    let cx = context(installation, &who, request_id, peer);
    let body = unframe(raw, who.reader, call.protocol)?;
    let input = wire::decode(call, parts, &body)?;
    authorize(&cx, call, &input).await?;
    Ok((cx, input, body))
}

fn context(installation: &Installation, who: &Authenticated, request_id: &str, peer: SocketAddr) -> Cx {
    let caller = Caller {
        scope: who.scope.clone(),
        principal: who.principal.clone(),
        request_id: request_id.to_owned(),
        source_ip: peer.ip().to_string(),
    };
    Cx { caller, ..installation.cx.clone() }
}

fn not_implemented(call: &Call) -> ApiError {
    let (service, operation) = (call.service.service_id(), call.operation.name());
    let message = format!("Headworks does not implement {operation} of {service}.");
    match call.service.name() {
        "s3" => ApiError::server("NotImplemented", 501, message),
        _ => ApiError::new("UnknownOperationException", message).with_status(400),
    }
}

fn finish(call: Option<&Call>, parts: &Parts, result: Result<Answer, ApiError>, request_id: &str) -> Response<Body> {
    let Some(call) = call else {
        let error = result.err().unwrap_or_else(|| ApiError::internal("a request without a route was answered"));
        return wire::refuse(parts, &error, request_id).map(whole);
    };
    match result {
        Ok((output, None)) => wire::encode(call, Ok(&output), request_id).map(whole),
        Ok((output, Some(body))) => wire::encode(call, Ok(&output), request_id).map(|_| streamed(body)),
        Err(e) => wire::encode(call, Err(&e), request_id).map(whole),
    }
}

fn log_failure(e: &ApiError, call: Option<&Call>, request_id: &str) {
    let (service, operation) = call.map_or(("", ""), |c| (c.service.name(), c.operation.name()));
    match e.kind {
        // What is not built yet was asked for by the client; the answer says so.
        ErrorKind::Server if e.code == "NotImplemented" => {
            tracing::debug!(request.id = request_id, service, operation, "an operation that is not built was called");
        }
        ErrorKind::Client => {
            tracing::debug!(request.id = request_id, service, operation, error = %e, "a request was refused");
        }
        ErrorKind::Server => {
            let cause = causes(e);
            tracing::error!(request.id = request_id, service, operation, error = %e, cause, "a request failed");
        }
    }
}

/// The chain of causes, outermost first.
fn causes(e: &ApiError) -> String {
    let mut text = Vec::new();
    let mut next = std::error::Error::source(e);
    while let Some(cause) = next {
        text.push(cause.to_string());
        next = cause.source();
    }
    text.join(": ")
}
