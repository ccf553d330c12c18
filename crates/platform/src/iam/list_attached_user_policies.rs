//! ListAttachedUserPolicies: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html>.
//! Managed policies, by name. `PathPrefix` is honoured for the account's own.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::attached;
use super::lookup;
use super::page::Page;
use super::shapes::AttachedPolicy;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub user_name: String,
    pub path_prefix: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub attached_policies: Vec<AttachedPolicy>,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

pub async fn list_attached_user_policies(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = lookup::user(&mut tx, cx, &input.user_name).await?;
    let page = Page::new(format!("ListAttachedUserPolicies {}", row.id), input.marker.as_deref(), input.max_items)?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let attached = attached::of_owner(&mut tx, cx, &row.id, prefix).await?;
    let (attached_policies, marker) = page.cut_all(attached, |p| &p.policy_name);
    Ok(Output { attached_policies, is_truncated: marker.is_some(), marker })
}
