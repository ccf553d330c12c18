//! UpdateAccessKey: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccessKey.html>. An inactive key
//! is refused from the next request on.

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
    pub status: String,
}

pub async fn update_access_key(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    if !matches!(input.status.as_str(), "Active" | "Inactive") {
        return Err(errors::invalid_input(format!("A key cannot be given the status {}.", input.status)));
    }
    let done = transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let owner = lookup::key_owner(tx, cx, input.user_name.as_deref()).await?;
            let (account, id) = (lookup::account(cx), &input.access_key_id);
            if iam_access_key::set_status(tx, account, &owner.id, id, &input.status).await? {
                Ok(Nothing {})
            } else {
                Err(errors::no_access_key(id))
            }
        })
    })
    .await;
    cx.credentials.forget();
    done
}
