//! GetUser: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetUser.html>. Without a name it shows the
//! caller, who may be the account's root.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::{iam_account, iam_user};

use super::shapes::User;
use super::{errors, lookup};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub user: User,
}

pub async fn get_user(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let account = lookup::account(cx);
    let user = match &input.user_name {
        Some(name) => lookup::user(&mut tx, cx, name).await?,
        None if cx.caller.principal.user_id == account => {
            let created = iam_account::list(&mut tx).await?.into_iter().find(|a| a.id == account).map(|a| a.created);
            let user = User {
                path: "/".to_owned(),
                user_name: "root".to_owned(),
                user_id: account.to_owned(),
                arn: cx.caller.principal.arn.clone(),
                create_date: created.unwrap_or_default().into(),
                permissions_boundary: None,
                tags: Vec::new(),
            };
            return Ok(Output { user });
        }
        None => iam_user::get_by_id(&mut tx, &cx.caller.principal.user_id)
            .await?
            .ok_or_else(|| errors::validation("Must specify userName when calling with non-User credentials"))?,
    };
    Ok(Output { user: User::new(cx.scope(), &user, true) })
}
