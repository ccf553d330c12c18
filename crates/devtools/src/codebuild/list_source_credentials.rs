//! ListSourceCredentials: which kinds of git servers there are tokens for. Never the tokens.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_credential;

use super::import_source_credentials::arn;

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Input {}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub source_credentials_infos: Vec<SourceCredentials>,
}

/// `SourceCredentialsInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceCredentials {
    pub arn: String,
    pub server_type: String,
    pub auth_type: String,
    /// The secret that holds the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

/// Lists credentials.
pub async fn list_source_credentials(cx: &Cx, _input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let rows = codebuild_credential::list(&mut tx, cx.scope()).await?;
    let shown = rows.into_iter().map(|row| SourceCredentials {
        arn: arn(cx, &row.server_type),
        server_type: row.server_type,
        auth_type: row.auth_type,
        resource: row.resource,
    });
    Ok(Output { source_credentials_infos: shown.collect() })
}
