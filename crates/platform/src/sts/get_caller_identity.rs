//! GetCallerIdentity: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>. Reads
//! nothing: authentication has found out everything.

use base::ApiError;
use serde::{Deserialize, Serialize};

use crate::Cx;

#[derive(Debug, Deserialize)]
pub struct Input {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub user_id: String,
    pub account: String,
    pub arn: String,
}

pub async fn get_caller_identity(cx: &Cx, _input: Input) -> Result<Output, ApiError> {
    let principal = &cx.caller.principal;
    Ok(Output {
        user_id: principal.user_id.clone(),
        account: cx.scope().account.to_string(),
        arn: principal.arn.clone(),
    })
}
