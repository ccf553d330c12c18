//! DeleteAccessKey: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html>. The key is
//! refused from the next request on.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_access_key;

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: Option<String>,
    pub access_key_id: String,
}

pub async fn delete_access_key(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    let done = transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let owner = lookup::key_owner(tx, cx, input.user_name.as_deref()).await?;
            if iam_access_key::delete(tx, lookup::account(cx), &owner.id, &input.access_key_id).await? {
                Ok(Nothing {})
            } else {
                Err(errors::no_access_key(&input.access_key_id))
            }
        })
    })
    .await;
    cx.credentials.forget();
    done
}
