//! Which part of the server a request is for.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response, StatusCode, header};

use super::body::{Body, Incoming, whole};
use super::{admin, attach, aws, badge, webhook};
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
    pub(super) async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        if self.installation.cx.site.test_mode && is_of_a_foreign_page(&request) {
            return text(StatusCode::FORBIDDEN, "test mode takes no requests of web pages from elsewhere\n");
        }
        let path = request.uri().path();
        if path.starts_with("/v1/repos/") && !is_signed(&request) {
            return crate::git_http::answer(&self.installation, request, peer).await;
        }
        if webhook::is_delivery(&request) && !is_signed(&request) {
            return webhook::answer(&self.installation, request, peer).await;
        }
        if attach::is_wanted(&request) {
            return attach::answer(&self.installation, request, peer).await;
        }
        if !is_signed(&request) {
            let found = match path {
                "/healthz" => Some(admin::healthz()),
                "/readyz" => Some(admin::readyz(&self.installation).await),
                "/badges" => Some(badge::answer(&self.installation, request.uri().query()).await),
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
pub(super) fn is_signed<B>(request: &Request<B>) -> bool {
    let header = request.headers().get(header::AUTHORIZATION);
    header.is_some_and(|v| v.as_bytes().starts_with(b"AWS4-"))
        || request.uri().query().is_some_and(|q| q.contains("X-Amz-Algorithm=") || q.contains("AWSAccessKeyId="))
}

/// A browser's request on behalf of a page that this machine does not serve. In test mode, which asks for no key, any
/// page that a developer looks at could otherwise run builds here or drop all state.
fn is_of_a_foreign_page<B>(request: &Request<B>) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        let site = request.headers().get("sec-fetch-site");
        return site.is_some_and(|v| v.as_bytes() == b"cross-site");
    };
    let origin = origin.to_str().ok().and_then(|o| o.parse::<http::Uri>().ok());
    let host = origin.as_ref().and_then(http::Uri::host).unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    !is_local
}

/// A short text.
pub(super) fn text(status: StatusCode, message: impl Into<String>) -> Response<Body> {
    let mut response = Response::new(whole(message.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_may_use_test_mode() {
        let with =
            |name: &str, value: &str| is_of_a_foreign_page(&Request::builder().header(name, value).body(()).unwrap());
        for good in ["http://localhost:3000", "http://127.0.0.1:4566", "http://b.localhost", "http://[::1]:80"] {
            assert!(!with("origin", good), "{good}");
        }
        for bad in ["https://evil.example", "http://localhost.evil.example", "http://10.0.0.1", "null", ""] {
            assert!(with("origin", bad), "{bad}");
        }
        assert!(with("sec-fetch-site", "cross-site"));
        assert!(!with("sec-fetch-site", "none") && !with("host", "s3.amazonaws.com"));
    }
}
