//! DeleteRolePermissionsBoundary:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRolePermissionsBoundary.html>.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_role;

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
}

pub async fn delete_role_permissions_boundary(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut role = lookup::role(tx, cx, &input.role_name).await?;
            if role.boundary.take().is_none() {
                return Err(errors::no_boundary(&role.name));
            }
            iam_role::update(tx, &role).await?;
            Ok(Nothing {})
        })
    })
    .await
}
