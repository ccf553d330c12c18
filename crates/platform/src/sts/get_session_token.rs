//! GetSessionToken: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>. For users and
//! the root, with lasting keys; 12 hours unless asked otherwise, 1 hour for the root.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::issue::{Credentials, Holder, issue};
use crate::Cx;
use crate::transact::transact;

/// Members that are refused by name: there are no MFA devices.
pub const UNSUPPORTED: &[&str] = &["SerialNumber", "TokenCode"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub duration_seconds: Option<u64>,
    pub serial_number: Option<String>,
    pub token_code: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub credentials: Credentials,
}

pub async fn get_session_token(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let denied = |text: &str| ApiError::new("AccessDenied", text).with_status(403);
    if input.serial_number.is_some() || input.token_code.is_some() {
        return Err(denied("MultiFactorAuthentication failed: Headworks has no MFA devices."));
    }
    let principal = &cx.caller.principal;
    if principal.user_id.contains(':') || principal.access_key.as_ref().is_some_and(|k| k.starts_with("ASIA")) {
        return Err(denied("Cannot call GetSessionToken with session credentials"));
    }
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let account = cx.scope().account.as_str();
            let owner = cx.caller.principal.user_id.as_str();
            let most = if owner == account { 3600 } else { 129_600 };
            let seconds = input.duration_seconds.unwrap_or(43_200).min(most);
            let credentials =
                issue(tx, cx, Holder { account, owner, role: "", session: "", of_build: false, policy: "" }, seconds)
                    .await?;
            Ok(Output { credentials })
        })
    })
    .await
}
