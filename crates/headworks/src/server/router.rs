//! Which part of the server a request is for.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;

use super::body::{Body, whole};
use super::{admin, aws};
use crate::installation::Installation;

/// Answers requests.
pub struct Server {
    pub(crate) installation: Arc<Installation>,
}

impl Server {
    /// A server for one installation.
    pub fn new(installation: Arc<Installation>) -> Self {
        Server { installation }
    }

    /// Answers one request; whatever goes wrong becomes an answer.
    pub async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let path = request.uri().path();
        if path.starts_with("/v1/repos/") && !is_signed(&request) {
            return crate::git_http::answer(&self.installation, request, peer).await;
        }
        if !is_signed(&request) {
            let found = match path {
                "/healthz" => Some(admin::healthz()),
                "/readyz" => Some(admin::readyz(&self.installation).await),
                "/metrics" => Some(admin::metrics(&self.installation).await),
                _ if path.starts_with("/_headworks/") => Some(admin::control(&self.installation, &request).await),
                _ => None,
            };
            if let Some(response) = found {
                return response;
            }
        }
        aws::answer(&self.installation, request, peer).await
    }
}

/// An AWS signature in the header or in the query: then even `/healthz` is the name of a bucket.
fn is_signed(request: &Request<Incoming>) -> bool {
    let header = request.headers().get(header::AUTHORIZATION);
    header.is_some_and(|v| v.as_bytes().starts_with(b"AWS4-"))
        || request.uri().query().is_some_and(|q| q.contains("X-Amz-Algorithm="))
}

/// A short text.
pub(super) fn text(status: StatusCode, message: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(whole(message.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
