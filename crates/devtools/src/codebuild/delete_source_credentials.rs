//! DeleteSourceCredentials: forgets a token.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codebuild_credential;

use super::errors::not_found;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub arn: String,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub arn: String,
}

/// Deletes a credential.
pub async fn delete_source_credentials(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let missing = || not_found(format!("Source credentials {} do not exist", input.arn));
    let prefix = cx.arn("codebuild", "token/").to_string();
    let server_type = input.arn.strip_prefix(&prefix).ok_or_else(missing)?.to_ascii_uppercase();
    let scope = cx.scope().clone();
    let gone = cx
        .store
        .write(move |tx| {
            let (scope, server_type) = (scope.clone(), server_type.clone());
            Box::pin(async move { codebuild_credential::delete(tx, &scope, &server_type).await })
        })
        .await?;
    if gone { Ok(Output { arn: input.arn }) } else { Err(missing()) }
}
