//! UpdateUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html>. A renamed user keeps id,
//! keys and policies.

use base::ApiError;
use serde::Deserialize;
use store::tables::iam_user;

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub new_path: Option<String>,
    pub new_user_name: Option<String>,
}

pub async fn update_user(cx: &Cx, input: Input) -> Result<Nothing, ApiError> {
    let done = transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let mut row = lookup::user(tx, cx, &input.user_name).await?;
            if let Some(name) = &input.new_user_name {
                let taken = iam_user::get(tx, lookup::account(cx), name).await?;
                if taken.is_some_and(|t| t.id != row.id) {
                    return Err(errors::exists(format!("User with name {name} already exists.")));
                }
                row.name = name.clone();
            }
            if let Some(path) = &input.new_path {
                row.path = path.clone();
            }
            iam_user::update(tx, &row).await?;
            Ok(Nothing {})
        })
    })
    .await;
    cx.credentials.forget();
    done
}
