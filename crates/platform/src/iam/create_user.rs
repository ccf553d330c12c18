//! CreateUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html>. The name must be free,
//! whatever its case.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_user;

use super::shapes::{Tag, User};
use super::{errors, lookup, names, shapes};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub path: Option<String>,
    pub permissions_boundary: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub user: User,
}

pub async fn create_user(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let name = &input.user_name;
            if iam_user::get(tx, lookup::account(cx), name).await?.is_some() {
                return Err(errors::exists(format!("User with name {name} already exists.")));
            }
            let row = iam_user::Row {
                account: lookup::account(cx).to_owned(),
                name: name.clone(),
                id: names::unique_id(cx.ids.as_ref(), "AIDA"),
                path: input.path.clone().unwrap_or_else(|| "/".to_owned()),
                boundary: input.permissions_boundary.clone(),
                tags: shapes::retag(&base::Tags::new(), &input.tags)?,
                created: cx.now(),
            };
            iam_user::insert(tx, &row).await?;
            Ok(Output { user: User::new(cx.scope(), &row, true) })
        })
    })
    .await
}
