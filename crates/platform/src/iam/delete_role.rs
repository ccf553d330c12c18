//! DeleteRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html>. Policies must be gone
//! first; running sessions of the role end.

use base::ApiError;
use serde::Deserialize;
use store::tables::{iam_attachment, iam_inline_policy, iam_role, sts_session};

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
}

pub async fn delete_role(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    let done = transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let role = lookup::role(tx, cx, &input.role_name).await?;
            if !iam_inline_policy::list(tx, &role.id).await?.is_empty() {
                return Err(errors::delete_conflict("Cannot delete entity, must delete policies first."));
            }
            if !iam_attachment::of_owner(tx, &role.id).await?.is_empty() {
                return Err(errors::delete_conflict("Cannot delete entity, must detach all policies first."));
            }
            sts_session::delete_of_owner(tx, &role.id).await?;
            iam_role::delete(tx, &role.id).await?;
            Ok(Nothing {})
        })
    })
    .await;
    cx.credentials.forget();
    done
}
