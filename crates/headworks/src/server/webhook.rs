//! `POST /webhooks?t=TOKEN`: deliveries of git servers to projects, and of anyone to pipelines.
//! `POST /webhooks?c=CONNECTION`: deliveries of git servers to connections.

use std::net::SocketAddr;

use devtools::codebuild::{Delivery, Taken, deliver, webhook_exists};
use devtools::codeconnections::{ConnectionAnswer, ConnectionDelivery, connection_exists, deliver_to_connection};
use devtools::codepipeline::{WebhookAnswer, WebhookDelivery, deliver_webhook, pipeline_webhook_exists};
use engine::webhook::Sender;
use http::{HeaderMap, Method, Request, Response, StatusCode};

use super::body::{Body, Incoming};
use super::payload::{Pace, Payload};
use super::router::text;
use crate::installation::Installation;

/// GitHub sends no more.
const MAX_BYTES: usize = 25 << 20;

/// Whether a request is a delivery: the path alone may be a bucket's.
pub fn is_delivery<B>(request: &Request<B>) -> bool {
    request.method() == Method::POST
        && request.uri().path() == "/webhooks"
        && (token(request).is_some() || connection(request).is_some())
}

/// Takes a delivery.
pub async fn answer(installation: &Installation, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    let cx = &installation.cx;
    if let Some(id) = connection(&request) {
        return to_connection(installation, request, id).await;
    }
    let Some(token) = token(&request) else { return text(StatusCode::NOT_FOUND, "no such webhook\n") };
    // A stranger's body is not even read.
    let is_of_pipeline = match webhook_exists(cx, &token).await {
        Ok(true) => false,
        Ok(false) => match pipeline_webhook_exists(cx, &token).await {
            Ok(true) => true,
            Ok(false) => return text(StatusCode::NOT_FOUND, "no such webhook\n"),
            Err(e) => return failed(&e),
        },
        Err(e) => return failed(&e),
    };
    let (parts, body) = request.into_parts();
    if is_of_pipeline {
        return to_pipeline(installation, &parts.headers, body, token, peer).await;
    }
    let Some(sender) = Sender::of(&|name| header(&parts.headers, name)) else {
        return text(StatusCode::BAD_REQUEST, "not a delivery of GitHub, GitLab or Bitbucket\n");
    };
    let body = match read(installation, body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let Sender { format, kind, signature, id } = sender;
    let user_agent = header(&parts.headers, "user-agent");
    match deliver(cx, Delivery { token, format, kind, id, signature, user_agent, body }).await {
        Ok(taken) => told(taken),
        Err(e) => failed(&e),
    }
}

async fn to_pipeline(
    installation: &Installation,
    headers: &HeaderMap,
    body: Incoming,
    token: String,
    peer: SocketAddr,
) -> Response<Body> {
    let body = match read(installation, body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let id = ["x-github-delivery", "x-gitlab-event-uuid", "idempotency-key", "x-request-uuid"]
        .into_iter()
        .find_map(|name| header(headers, name));
    let delivery = WebhookDelivery {
        token,
        id,
        signature_256: header(headers, "x-hub-signature-256"),
        signature: header(headers, "x-hub-signature"),
        peer: peer.ip(),
        body,
    };
    match deliver_webhook(&installation.cx, delivery).await {
        Ok(WebhookAnswer::Started(id)) => text(StatusCode::OK, format!("started {id}\n")),
        Ok(WebhookAnswer::Ignored(why)) => text(StatusCode::OK, format!("nothing is started: {why}\n")),
        Ok(WebhookAnswer::Unknown) => text(StatusCode::NOT_FOUND, "no such webhook\n"),
        Ok(WebhookAnswer::Forbidden(why)) => text(StatusCode::FORBIDDEN, format!("{why}\n")),
        Ok(WebhookAnswer::Replayed) => text(StatusCode::CONFLICT, "this delivery was taken before\n"),
        Ok(WebhookAnswer::Malformed(why)) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
        Err(e) => failed(&e),
    }
}

async fn to_connection(installation: &Installation, request: Request<Incoming>, id: String) -> Response<Body> {
    match connection_exists(&installation.cx, &id).await {
        Ok(true) => {}
        Ok(false) => return text(StatusCode::NOT_FOUND, "no such connection\n"),
        Err(e) => return failed(&e),
    }
    let (parts, body) = request.into_parts();
    let Some(Sender { format, kind, signature, id: delivery }) = Sender::of(&|name| header(&parts.headers, name))
    else {
        return text(StatusCode::BAD_REQUEST, "not a delivery of GitHub, GitLab or Bitbucket\n");
    };
    let body = match read(installation, body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let delivery = ConnectionDelivery { connection: id, format, kind, id: delivery, signature, body };
    match deliver_to_connection(&installation.cx, delivery).await {
        Ok(ConnectionAnswer::Taken) => text(StatusCode::OK, "taken\n"),
        Ok(ConnectionAnswer::Ignored(why)) => text(StatusCode::OK, format!("nothing is started: {why}\n")),
        Ok(ConnectionAnswer::Unknown) => text(StatusCode::NOT_FOUND, "no such connection\n"),
        Ok(ConnectionAnswer::Forbidden(why)) => text(StatusCode::FORBIDDEN, format!("{why}\n")),
        Ok(ConnectionAnswer::Replayed) => text(StatusCode::CONFLICT, "this delivery was taken before\n"),
        Ok(ConnectionAnswer::Malformed(why)) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
        Err(e) => failed(&e),
    }
}

async fn read(installation: &Installation, body: Incoming) -> Result<Vec<u8>, Response<Body>> {
    let limit = installation.config.max_body_bytes.min(MAX_BYTES);
    match Payload::Unread(body).read(limit, Pace::UNPROVEN).await {
        Ok(body) => Ok(body.to_vec()),
        Err(e) => {
            let status = e.status.and_then(|status| StatusCode::from_u16(status).ok());
            Err(text(status.unwrap_or(StatusCode::BAD_REQUEST), format!("{}\n", e.message)))
        }
    }
}

fn told(taken: Taken) -> Response<Body> {
    match taken {
        Taken::Started(id) => text(StatusCode::OK, format!("started {id}\n")),
        Taken::Ignored(why) => text(StatusCode::OK, format!("nothing is started: {why}\n")),
        Taken::Held => text(StatusCode::OK, "nothing is started: the pull request waits for an approving comment\n"),
        Taken::Unknown => text(StatusCode::NOT_FOUND, "no such webhook\n"),
        Taken::Forbidden => text(StatusCode::FORBIDDEN, "the signature is missing or wrong\n"),
        Taken::Replayed => text(StatusCode::CONFLICT, "this delivery was taken before\n"),
        Taken::Malformed(why) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
    }
}

fn failed(e: &base::ApiError) -> Response<Body> {
    if e.kind == base::ErrorKind::Client {
        return text(StatusCode::UNPROCESSABLE_ENTITY, format!("{}: {}\n", e.code, e.message));
    }
    tracing::error!(error = %e, "a webhook's delivery could not be taken");
    text(StatusCode::SERVICE_UNAVAILABLE, "the delivery could not be taken; deliver it again\n")
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn token<B>(request: &Request<B>) -> Option<String> {
    parameter(request, "t=").filter(|token| token.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The id of a connection.
fn connection<B>(request: &Request<B>) -> Option<String> {
    parameter(request, "c=").filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'))
}

fn parameter<B>(request: &Request<B>, name: &str) -> Option<String> {
    let value = request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix(name))?;
    (!value.is_empty() && value.len() <= 128).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_post_with_a_token_is_a_delivery() {
        let is = |method: &str, uri: &str| is_delivery(&Request::builder().method(method).uri(uri).body(()).unwrap());
        assert!(is("POST", "/webhooks?t=abc123&v=1"));
        for (method, uri) in [
            ("GET", "/webhooks?t=abc"),
            ("POST", "/webhooks"),
            ("POST", "/webhooks/x?t=a"),
            ("POST", "/webhooks?t=a%20b"),
        ] {
            assert!(!is(method, uri), "{method} {uri}");
        }
    }
}
