//! ListRolePolicies: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRolePolicies.html>.
//! Names of inline policies.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_inline_policy;

use super::lookup;
use super::page::Page;
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub policy_names: Vec<String>,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

pub async fn list_role_policies(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = lookup::role(&mut tx, cx, &input.role_name).await?;
    let page = Page::new(format!("ListRolePolicies {}", row.id), input.marker.as_deref(), input.max_items)?;
    let mut names: Vec<String> =
        iam_inline_policy::list(&mut tx, &row.id).await?.into_iter().map(|(name, _)| name).collect();
    names.sort();
    let (policy_names, marker) = page.cut_all(names, |n| n);
    Ok(Output { policy_names, is_truncated: marker.is_some(), marker })
}
