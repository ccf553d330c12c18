//! What a build shows to a git server: the project's own secret, else the account's source credential, else nothing.

use base::{ApiError, Secret};
use platform::Cx;
use platform::iam::{Need, authorize};
use platform::secretsmanager::get_secret_value::{self, get_secret_value};
use serde_json::Value;
use store::tables::codebuild_credential::{self, Row};

use super::errors::invalid;

/// A user and a token.
#[derive(Clone, Debug)]
pub struct SourceLogin {
    pub user: String,
    pub token: Secret<String>,
}

/// The login for a kind of server (`GITHUB`, say). An error of the client's says what is wrong with the secret.
pub async fn source_login(cx: &Cx, server_type: &str, secret: Option<&str>) -> Result<Option<SourceLogin>, ApiError> {
    if let Some(arn) = secret {
        return of_secret(cx, server_type, arn).await.map(Some);
    }
    let row = {
        let mut tx = cx.store.read().await?;
        codebuild_credential::get(&mut tx, cx.scope(), server_type).await?
    };
    let Some(row) = row else { return Ok(None) };
    if let Some(arn) = &row.resource {
        return of_secret(cx, server_type, arn).await.map(Some);
    }
    let token = open(cx, &row)?;
    let user = user(server_type, &row.auth_type, row.username.as_deref());
    Ok(Some(SourceLogin { user, token }))
}

/// Encrypts a token for its row.
pub(super) fn seal(cx: &Cx, server_type: &str, token: &str) -> Result<Vec<u8>, ApiError> {
    cx.site.key.seal(&identity(cx, server_type), token.as_bytes())
}

fn open(cx: &Cx, row: &Row) -> Result<Secret<String>, ApiError> {
    let opened = cx.site.key.open(&identity(cx, &row.server_type), &row.token).map_err(ApiError::internal)?;
    String::from_utf8(opened.expose().clone()).map(Secret::new).map_err(ApiError::internal)
}

fn identity<'a>(cx: &'a Cx, server_type: &'a str) -> [&'a str; 4] {
    ["codebuild_credential", cx.scope().account.as_str(), cx.scope().region.as_str(), server_type]
}

/// A secret as CodeBuild wants it: `{"ServerType", "AuthType", "Token", "Username"}`.
async fn of_secret(cx: &Cx, server_type: &str, arn: &str) -> Result<SourceLogin, ApiError> {
    authorize(cx, &[Need::new("secretsmanager:GetSecretValue", arn)]).await?;
    let input = get_secret_value::Input { secret_id: arn.to_owned(), version_id: None, version_stage: None };
    let answer = serde_json::to_value(get_secret_value(cx, input).await?).map_err(ApiError::internal)?;
    let wrong = |what: &str| invalid(format!("the secret {arn} {what}"));
    let text = answer.get("SecretString").and_then(Value::as_str).ok_or_else(|| wrong("holds no text"))?;
    let value: Value =
        serde_json::from_str(text).map_err(|_| wrong("is not JSON with ServerType, AuthType and Token"))?;
    let member = |name: &str| value.get(name).and_then(Value::as_str);
    if member("ServerType").is_some_and(|kind| kind != server_type) {
        return Err(wrong(&format!("is for another ServerType than {server_type}")));
    }
    let token = member("Token").ok_or_else(|| wrong("has no Token"))?;
    let user = user(server_type, member("AuthType").unwrap_or("PERSONAL_ACCESS_TOKEN"), member("Username"));
    Ok(SourceLogin { user, token: Secret::new(token.to_owned()) })
}

/// The user that goes with a token where the server wants one.
fn user(server_type: &str, auth_type: &str, username: Option<&str>) -> String {
    match (username.filter(|name| !name.is_empty()), server_type, auth_type) {
        (Some(name), _, _) => name.to_owned(),
        (None, "GITLAB" | "GITLAB_SELF_MANAGED", _) => "oauth2".to_owned(),
        (None, "BITBUCKET", _) => "x-token-auth".to_owned(),
        (None, _, _) => "x-access-token".to_owned(),
    }
}
