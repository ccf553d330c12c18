//! A build acts as its project's role.
//!
//! Deviation: the credentials stand in the environment instead of behind a metadata endpoint, so they end after an hour
//! however long the build goes on.

use base::{JobSpec, Secret};
use engine::build::Request;
use platform::Cx;
use platform::sts::assume_role::{self, assume_role};

/// The job with the role's credentials; or, with the reason for the log, without: a build may well need none.
pub(super) async fn with_credentials(cx: &Cx, request: &Request, spec: &JobSpec) -> (JobSpec, Option<String>) {
    let mut spec = spec.clone();
    let role = request.echo.get("serviceRole").and_then(|role| role.as_str()).unwrap_or_default();
    // Variables of the user win, as they do in the chain of the clients.
    // Without our endpoint the build talks to another AWS, which does not know our keys.
    if role.is_empty() || request.endpoint.is_empty() || spec.env.contains_key("AWS_ACCESS_KEY_ID") {
        return (spec, None);
    }
    let input = assume_role::Input {
        role_arn: role.to_owned(),
        role_session_name: format!("AWSCodeBuild-{}", request.uuid),
        duration_seconds: None,
        external_id: None,
        source_identity: None,
        others: serde_json::Map::new(),
    };
    match assume_role(&cx.as_service("codebuild", &request.scope), input).await {
        Ok(output) => {
            let credentials = output.credentials;
            let mut put = |name: &str, value: &str| {
                spec.env.insert(name.to_owned(), value.to_owned());
                spec.masked.push(Secret::new(value.to_owned()));
            };
            put("AWS_ACCESS_KEY_ID", &credentials.access_key_id);
            put("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key.expose());
            put("AWS_SESSION_TOKEN", credentials.session_token.expose());
            (spec, None)
        }
        Err(e) => (spec, Some(format!("The build has no AWS credentials: {}", e.message))),
    }
}
