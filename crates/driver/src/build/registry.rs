//! Credentials for the registry of a build's image: a secret of Secrets Manager, read as the project's role.
//!
//! They are read each time an image is asked for and are in no row, effect or log; follows
//! <https://docs.aws.amazon.com/codebuild/latest/userguide/sample-private-registry.html>.

use base::{JobSpec, RegistryLogin, Secret};
use engine::build::Request;
use executor::Executor;
use platform::Cx;
use platform::secretsmanager::get_secret_value;
use serde::Deserialize;

use super::credentials::as_role;
use super::secrets::{Trouble, secret};
use crate::PerformError;

/// Why there are no credentials.
pub(super) enum NoLogin {
    /// What the user must mend.
    Failure(String),
    Retry(PerformError),
}

/// What the secret must hold.
#[derive(Deserialize)]
struct Content {
    username: String,
    password: String,
}

/// The job with the credentials that its project names for the image's registry.
pub(super) async fn with_login(
    cx: &Cx,
    executor: &dyn Executor,
    request: &Request,
    spec: &JobSpec,
) -> Result<JobSpec, NoLogin> {
    let mut spec = spec.clone();
    if let Some(id) = request.registry_credential() {
        executor.decided().await;
        // Where no image is pulled the secret stays where it is; the log says that the image is not used.
        if executor.name() != "host" {
            spec.container.registry = Some(login(cx, request, id).await?);
        }
    }
    Ok(spec)
}

async fn login(cx: &Cx, request: &Request, id: &str) -> Result<RegistryLogin, NoLogin> {
    let failure = |why: String| NoLogin::Failure(format!("registryCredential {id}: {why}"));
    let told = |trouble: Trouble| match trouble {
        Trouble::Failure { message, .. } => failure(format!(
            "{message}. The secret must exist in this region, and the project's service role {} must be allowed \
             secretsmanager:GetSecretValue on it",
            request.service_role()
        )),
        Trouble::Retry(e) => NoLogin::Retry(e),
    };
    let cx = as_role(cx, request).await.map_err(NoLogin::Retry)?;
    let input = get_secret_value::Input { secret_id: id.to_owned(), version_id: None, version_stage: None };
    let text = secret(&cx, input, None).await.map_err(told)?;
    // What serde says of the text would quote it.
    let content: Content = serde_json::from_str(text.expose()).map_err(|_| {
        failure("the secret must be a JSON object with the strings \"username\" and \"password\"".to_owned())
    })?;
    if content.username.is_empty() || content.password.is_empty() {
        return Err(failure("its \"username\" and \"password\" must not be empty".to_owned()));
    }
    Ok(RegistryLogin { username: content.username, password: Secret::new(content.password), server: None })
}
