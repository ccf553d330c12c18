//! GetPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicy.html>.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::{errors, lookup, shapes};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub policy_arn: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub policy: shapes::Policy,
}

pub async fn get_policy(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let arn = &input.policy_arn;
    let mut tx = cx.store.read().await?;
    let found = lookup::policy(&mut tx, cx, arn).await?.ok_or_else(|| errors::no_policy(arn))?;
    let attachments = lookup::attachments(&mut tx, cx, &found.key(arn)).await?;
    let policy = match found {
        lookup::Policy::Own(row) => shapes::Policy::new(cx.scope(), &row, attachments, true),
        lookup::Policy::Aws(managed) => managed.shape(cx.scope(), attachments),
    };
    Ok(Output { policy })
}
