//! GetUserPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUserPolicy.html>.
//! The document is URL-encoded.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_inline_policy;

use super::{errors, lookup, shapes};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub policy_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub user_name: String,
    pub policy_name: String,
    pub policy_document: String,
}

pub async fn get_user_policy(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let user = lookup::user(&mut tx, cx, &input.user_name).await?;
    let document = iam_inline_policy::get(&mut tx, &user.id, &input.policy_name)
        .await?
        .ok_or_else(|| errors::no_inline_policy("user", &input.policy_name))?;
    Ok(Output { user_name: user.name, policy_name: input.policy_name, policy_document: shapes::encoded(&document) })
}
