//! GetRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html>. The trust policy is URL-encoded.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::lookup;
use super::shapes::Role;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub role: Role,
}

pub async fn get_role(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = lookup::role(&mut tx, cx, &input.role_name).await?;
    Ok(Output { role: Role::new(cx.scope(), &row, true) })
}
