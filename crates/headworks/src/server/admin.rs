//! Pages for operators: health, metrics, and the controls of test mode.

use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use super::body::{Body, Incoming};
use super::router::text;
use crate::installation::Installation;

/// The process answers.
pub fn healthz() -> Response<Body> {
    text(StatusCode::OK, "ok\n")
}

/// The database answers and there is room on the disk.
pub async fn readyz(installation: &Installation) -> Response<Body> {
    if let Err(e) = installation.cx.store.read().await {
        tracing::error!(error = %e, "the database does not answer");
        return text(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n");
    }
    match installation.cx.room() {
        Ok(()) => text(StatusCode::OK, "ready\n"),
        Err(e) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{}\n", e.message)),
    }
}

/// Prometheus text.
pub async fn metrics(installation: &Installation) -> Response<Body> {
    let free = Some(installation.cx.site.disk.free_bytes());
    let jobs = installation.jobs().await;
    match installation.metrics.render(&installation.cx.store, jobs.as_deref(), free).await {
        Ok(page) => {
            let mut response = text(StatusCode::OK, page);
            let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(e) => {
            tracing::error!(error = %e, "cannot read the gauges");
            text(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}

/// The credentials of builds; and `POST /_headworks/reset`, which drops all state. The latter only in test mode, which
/// listens on loopback only.
pub async fn control(installation: &Installation, request: &Request<Incoming>) -> Response<Body> {
    if let Some(response) = super::credentials::credentials(installation, request).await {
        return response;
    }
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/_headworks/reset") if installation.cx.site.test_mode => match installation.reset().await {
            Ok(()) => text(StatusCode::OK, "reset\n"),
            Err(e) => {
                tracing::error!(error = %e, "cannot reset");
                text(StatusCode::INTERNAL_SERVER_ERROR, format!("cannot reset: {e}\n"))
            }
        },
        (_, "/_headworks/reset") => text(StatusCode::FORBIDDEN, "POST it to a server that runs with --test-mode\n"),
        _ => text(StatusCode::NOT_FOUND, "no such page\n"),
    }
}
