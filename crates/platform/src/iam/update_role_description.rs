//! UpdateRoleDescription: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateRoleDescription.html>.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_role;

use super::lookup;
use super::shapes::Role;
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
    pub description: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub role: Role,
}

pub async fn update_role_description(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut role = lookup::role(tx, cx, &input.role_name).await?;
            role.description = Some(input.description.clone());
            iam_role::update(tx, &role).await?;
            Ok(Output { role: Role::new(cx.scope(), &role, true) })
        })
    })
    .await
}
