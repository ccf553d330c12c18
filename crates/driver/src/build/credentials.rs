//! What a build may do as its project's role, by itself and through the server.
//!
//! Deviation: where the server cannot be reached at 127.0.0.1 the credentials stand in the environment instead of behind
//! an endpoint, so they end after an hour however long the build goes on.

use base::{JobSpec, Secret};
use devtools::codebuild::role;
use engine::build::Request;
use platform::Cx;

use crate::PerformError;

/// The context in which the server does what a build asks of it: as its project's role.
pub(crate) async fn as_role(cx: &Cx, request: &Request) -> Result<Cx, PerformError> {
    role::acting(cx, request).await.map_err(|e| PerformError::new("look up a build's role", e))
}

/// The job with the way to the role's credentials; or, with the reason for the log, without: a build may well need none.
pub(super) async fn with_credentials(cx: &Cx, request: &Request, spec: &JobSpec) -> (JobSpec, Option<String>) {
    let mut spec = spec.clone();
    // Variables of the user win, as they do in the chain of the clients.
    // Without our endpoint the build talks to another AWS, which does not know our keys.
    if request.endpoint.is_empty() || spec.env.contains_key("AWS_ACCESS_KEY_ID") {
        return (spec, None);
    }
    let mut put = |name: &str, value: &str, is_secret: bool| {
        spec.env.insert(name.to_owned(), value.to_owned());
        if is_secret {
            spec.masked.push(Secret::new(value.to_owned()));
        }
    };
    if let Some(base) = &cx.site.loopback {
        if let Some(why) = role::why_no_credentials(cx, request).await {
            return (spec, Some(why));
        }
        let uri = format!("{base}{}{}", role::CREDENTIALS_PATH, request.id);
        put("AWS_CONTAINER_CREDENTIALS_FULL_URI", &uri, false);
        put("AWS_CONTAINER_AUTHORIZATION_TOKEN", role::credentials_token(cx, &request.id).expose(), true);
        return (spec, None);
    }
    match role::issue(cx, request).await {
        None => (spec, None),
        Some(Ok(credentials)) => {
            put("AWS_ACCESS_KEY_ID", &credentials.access_key_id, true);
            put("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.expose(), true);
            put("AWS_SESSION_TOKEN", credentials.session_token.expose(), true);
            (spec, None)
        }
        Some(Err(e)) => (spec, Some(format!("The build has no AWS credentials: {}", e.message))),
    }
}
