//! ImportSourceCredentials: keeps the token of an account for a kind of git server, encrypted. There is one for each.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ImportSourceCredentials.html>.

use base::{ApiError, Arn, Secret};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_credential::{self, Row};

use super::errors::{exists, invalid, unsupported};
use super::source_login::seal;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub username: Option<String>,
    /// The token itself, or with SECRETS_MANAGER the ARN of the secret that holds it.
    pub token: Secret<String>,
    pub server_type: String,
    pub auth_type: String,
    pub should_overwrite: Option<bool>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub arn: String,
}

/// Imports a credential.
pub async fn import_source_credentials(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let resource = match input.auth_type.as_str() {
        "PERSONAL_ACCESS_TOKEN" => None,
        "BASIC_AUTH" if input.server_type != "BITBUCKET" => {
            return Err(invalid("Invalid auth type: BASIC_AUTH is for server type BITBUCKET only"));
        }
        "BASIC_AUTH" if input.username.as_deref().unwrap_or_default().is_empty() => {
            return Err(invalid("Invalid username: BASIC_AUTH needs one"));
        }
        "BASIC_AUTH" => None,
        "SECRETS_MANAGER" => {
            let arn = input.token.expose();
            let is_secret = Arn::parse(arn).is_some_and(|arn| arn.service == "secretsmanager");
            if !is_secret {
                return Err(invalid("Invalid token: with auth type SECRETS_MANAGER it is the ARN of a secret"));
            }
            Some(arn.clone())
        }
        // Deviation: there are no connections, so CODECONNECTIONS is refused.
        other => return Err(unsupported(&format!("auth type {other}"))),
    };
    let token = if resource.is_some() { "" } else { input.token.expose() };
    let row = Row {
        token: seal(cx, &input.server_type, token)?,
        server_type: input.server_type,
        auth_type: input.auth_type,
        username: input.username,
        resource,
        created: cx.now(),
    };
    let arn = arn(cx, &row.server_type);
    let (scope, overwrite) = (cx.scope().clone(), input.should_overwrite.unwrap_or(true));
    cx.store
        .write(move |tx| {
            let (scope, row) = (scope.clone(), row.clone());
            Box::pin(async move {
                let old = codebuild_credential::get(tx, &scope, &row.server_type).await?;
                if old.is_some() && !overwrite {
                    return Err(exists(format!("Access token with server type {} already exists.", row.server_type)));
                }
                Ok(codebuild_credential::put(tx, &scope, &row).await?)
            })
        })
        .await?;
    Ok(Output { arn })
}

/// `arn:aws:codebuild:REGION:ACCOUNT:token/github`.
pub(super) fn arn(cx: &Cx, server_type: &str) -> String {
    cx.arn("codebuild", format!("token/{}", server_type.to_ascii_lowercase())).to_string()
}
