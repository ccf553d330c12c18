//! ListPolicies: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html>. By name; `Scope` and
//! `OnlyAttached` narrow the list. Of AWS's own policies there are those that we know.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_policy;

use super::page::Page;
use super::shapes::Policy;
use super::{aws_managed, lookup};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub scope: Option<String>,
    #[serde(default)]
    pub only_attached: bool,
    pub path_prefix: Option<String>,
    pub policy_usage_filter: Option<String>,
    pub marker: Option<String>,
    pub max_items: Option<i64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub policies: Vec<Policy>,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
}

pub async fn list_policies(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let which = input.scope.as_deref().unwrap_or("All");
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let list = format!("ListPolicies {which} {prefix} {} {:?}", input.only_attached, input.policy_usage_filter);
    let page = Page::new(list, input.marker.as_deref(), input.max_items)?;
    let mut tx = cx.store.read().await?;
    let mut all = Vec::new();
    if which != "AWS" {
        for row in iam_policy::list(&mut tx, lookup::account(cx), prefix, "", i64::MAX).await? {
            let attachments = lookup::attachments(&mut tx, cx, &row.id).await?;
            all.push(Policy::new(cx.scope(), &row, attachments, false));
        }
    }
    if which != "Local" {
        for managed in aws_managed::all().filter(|m| m.path().starts_with(prefix)) {
            let attachments = lookup::attachments(&mut tx, cx, &managed.arn(cx.scope())).await?;
            all.push(managed.shape(cx.scope(), attachments));
        }
    }
    if input.only_attached {
        all.retain(|p| p.attachment_count > 0);
    }
    if input.policy_usage_filter.as_deref() == Some("PermissionsBoundary") {
        all.retain(|p| p.permissions_boundary_usage_count > 0);
    }
    all.sort_by(|a, b| a.arn.cmp(&b.arn));
    let (policies, marker) = page.cut_all(all, |p| &p.arn);
    Ok(Output { policies, is_truncated: marker.is_some(), marker })
}
