//! GetAccessKeyInfo: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>.

use base::ApiError;
use serde::{Deserialize, Serialize};

use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub access_key_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub account: String,
}

pub async fn get_access_key_info(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    match cx.credentials.find(&cx.store, &input.access_key_id).await? {
        Some(found) => Ok(Output { account: found.account.to_string() }),
        None => Err(ApiError::new("ValidationError", "Access key ID not found.").with_status(400)),
    }
}
