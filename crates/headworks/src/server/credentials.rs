//! `GET /_headworks/credentials/BUILD`: a build's own credentials, in the form of the container endpoint of ECS
//! (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base::{ApiError, ErrorKind};
use devtools::codebuild::role::{CREDENTIALS_PATH, credentials_token};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::body::{Body, whole};
use crate::installation::Installation;

/// Answers a request below the path of credentials; `None` for other paths.
pub async fn credentials<B>(installation: &Installation, request: &Request<B>) -> Option<Response<Body>> {
    let build = request.uri().path().strip_prefix(CREDENTIALS_PATH)?;
    let given = request.headers().get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let token = credentials_token(&installation.cx, build);
    // The same for builds that there are and for those that there are not.
    if verify_slices_are_equal(given, token.expose().as_bytes()).is_err() {
        return Some(refusal(403, "AccessDenied", "The token is not that of the build."));
    }
    if request.method() != Method::GET {
        return Some(refusal(405, "MethodNotAllowed", "Credentials are fetched with GET."));
    }
    Some(match installation.role_sessions.of_build(&installation.cx, build).await {
        Ok(found) => {
            let credentials = &found.credentials;
            let page = json!({
                "RoleArn": found.role_arn,
                "AccessKeyId": credentials.access_key_id,
                "SecretAccessKey": credentials.secret_access_key,
                "Token": credentials.session_token,
                "Expiration": credentials.expiration,
            });
            answer(StatusCode::OK, &page)
        }
        Err(e) => failure(&e),
    })
}

fn failure(e: &ApiError) -> Response<Body> {
    if e.kind == ErrorKind::Server {
        tracing::error!(error = %e, "a build's credentials cannot be issued");
    }
    refusal(e.status.unwrap_or(400), e.code, &e.message)
}

fn refusal(status: u16, code: &str, message: &str) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    answer(status, &json!({ "code": code, "message": message }))
}

fn answer(status: StatusCode, page: &Value) -> Response<Body> {
    let mut response = Response::new(whole(page.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
