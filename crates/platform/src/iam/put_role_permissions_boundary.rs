//! PutRolePermissionsBoundary:
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePermissionsBoundary.html>.

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
    pub permissions_boundary: String,
}

pub async fn put_role_permissions_boundary(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let arn = &input.permissions_boundary;
            let mut role = lookup::role(tx, cx, &input.role_name).await?;
            if lookup::policy(tx, cx, arn).await?.is_none() {
                return Err(errors::not_attachable(arn));
            }
            role.boundary = Some(arn.clone());
            iam_role::update(tx, &role).await?;
            Ok(Nothing {})
        })
    })
    .await
}
