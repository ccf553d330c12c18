//! DeleteUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>. Keys, policies and
//! credentials must be gone first; running sessions of the user end.

use base::ApiError;
use serde::Deserialize;
use store::tables::{iam_access_key, iam_attachment, iam_inline_policy, iam_service_credential, iam_user, sts_session};

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
}

pub async fn delete_user(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    let done = transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let user = lookup::user(tx, cx, &input.user_name).await?;
            let account = lookup::account(cx);
            let must = |what: &str| Err(errors::delete_conflict(format!("Cannot delete entity, must {what} first.")));
            if !iam_access_key::list(tx, account, &user.id).await?.is_empty() {
                return must("delete access keys");
            }
            if !iam_inline_policy::list(tx, &user.id).await?.is_empty() {
                return must("delete policies");
            }
            if !iam_attachment::of_owner(tx, &user.id).await?.is_empty() {
                return must("detach all policies");
            }
            if !iam_service_credential::list(tx, account, Some(&user.id)).await?.is_empty() {
                return must("delete service-specific credentials");
            }
            sts_session::delete_of_owner(tx, &user.id).await?;
            iam_user::delete(tx, &user.id).await?;
            Ok(Nothing {})
        })
    })
    .await;
    cx.credentials.forget();
    done
}
