//! ListUsers: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html>. By name, in pages.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_user;

use super::lookup;
use super::page::Page;
use super::shapes::User;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub path_prefix: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub users: Vec<User>,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

pub async fn list_users(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let prefix = input.path_prefix.unwrap_or_else(|| "/".to_owned());
    let page = Page::new(format!("ListUsers {prefix}"), input.marker.as_deref(), input.max_items)?;
    let mut tx = cx.store.read().await?;
    let mut rows = iam_user::list(&mut tx, lookup::account(cx), &prefix, &page.after, page.limit()).await?;
    let marker = page.cut(&mut rows, |r| &r.name);
    let users = rows.iter().map(|r| User::new(cx.scope(), r, false)).collect();
    Ok(Output { users, is_truncated: marker.is_some(), marker })
}
