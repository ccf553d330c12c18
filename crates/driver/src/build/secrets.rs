//! Values of variables that are kept in Parameter Store and Secrets Manager.
//!
//! They are read when the job starts and go into its spec alone: no row, no effect and no log ever has one. The spec is
//! written where only the server's user may read it, and removed as soon as the sandbox stands. The policies of the project's
//! role decide which ones a build may have.

use base::{ApiError, Arn, ErrorKind, JobSpec, Secret};
use engine::build::{Kept, PARAMETER_ERROR, Reference, Request, SECRET_ERROR};
use platform::Cx;
use platform::iam;
use platform::needs::Need;
use platform::secretsmanager::get_secret_value::{self, get_secret_value};
use platform::ssm::get_parameter::{self, get_parameter};

use super::credentials::as_role;
use crate::PerformError;

/// Why a variable has no value.
pub(super) enum Trouble {
    /// For the phase's context.
    Failure {
        code: &'static str,
        message: String,
    },
    Retry(PerformError),
}

/// The job with the values of `references`, which are masked in its output.
pub(super) async fn with_values(
    cx: &Cx,
    request: &Request,
    spec: &JobSpec,
    references: &[Reference],
) -> Result<JobSpec, Trouble> {
    let mut spec = spec.clone();
    if references.is_empty() {
        return Ok(spec);
    }
    let cx = as_role(cx, request).await.map_err(Trouble::Retry)?;
    for reference in references {
        let value = match &reference.kept {
            Kept::Parameter { name } => parameter(&cx, name).await?,
            Kept::Secret { id, json_key, version_stage, version_id } => {
                let input = get_secret_value::Input {
                    secret_id: id.clone(),
                    version_id: version_id.clone(),
                    version_stage: version_stage.clone(),
                };
                secret(&cx, input, json_key.as_deref()).await?
            }
        };
        spec.env.insert(reference.name.clone(), value.expose().clone());
        spec.masked.push(value);
    }
    Ok(spec)
}

async fn allowed(cx: &Cx, action: &str, resource: String, code: &'static str) -> Result<(), Trouble> {
    iam::authorize(cx, &[Need::new(action, resource)]).await.map_err(|e| trouble(code, e))
}

async fn parameter(cx: &Cx, name: &str) -> Result<Secret<String>, Trouble> {
    let bare = match Arn::parse(name) {
        Some(_) => name.to_owned(),
        None => {
            let name = name.split(':').next().unwrap_or(name).trim_start_matches('/');
            cx.arn("ssm", format!("parameter/{name}")).to_string()
        }
    };
    allowed(cx, "ssm:GetParameters", bare, PARAMETER_ERROR).await?;
    let input = get_parameter::Input { name: name.to_owned(), with_decryption: true };
    match get_parameter(cx, input).await {
        Ok(output) => Ok(Secret::new(output.parameter.value)),
        Err(e) if matches!(e.code, "ParameterNotFound" | "ParameterVersionNotFound") => {
            Err(Trouble::Failure { code: PARAMETER_ERROR, message: format!("parameter does not exist: {name}") })
        }
        Err(e) => Err(trouble(PARAMETER_ERROR, e)),
    }
}

pub(super) async fn secret(
    cx: &Cx,
    input: get_secret_value::Input,
    json_key: Option<&str>,
) -> Result<Secret<String>, Trouble> {
    let id = input.secret_id.clone();
    let failure = |message: String| Trouble::Failure { code: SECRET_ERROR, message };
    let output = get_secret_value(cx, input).await.map_err(|e| trouble(SECRET_ERROR, e))?;
    allowed(cx, "secretsmanager:GetSecretValue", output.arn, SECRET_ERROR).await?;
    let Some(text) = output.value.secret_string else {
        return Err(failure(format!("the secret {id} is binary; one with a string is needed")));
    };
    let Some(key) = json_key else { return Ok(text) };
    let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(text.expose());
    // What serde says of the text would quote it.
    let object = parsed.map_err(|_| failure(format!("the secret {id} is no JSON object, so it has no key {key}")))?;
    match object.get(key) {
        Some(serde_json::Value::String(value)) => Ok(Secret::new(value.clone())),
        Some(other) => Ok(Secret::new(other.to_string())),
        None => Err(failure(format!("the secret {id} has no key {key}"))),
    }
}

/// What no repetition mends is the build's failure.
fn trouble(code: &'static str, e: ApiError) -> Trouble {
    let cannot_decrypt = e.code == "InternalServerError";
    if e.kind == ErrorKind::Client || cannot_decrypt {
        return Trouble::Failure { code, message: format!("{}: {}", e.code, e.message) };
    }
    Trouble::Retry(PerformError::new("read a value for a build", e))
}
