//! ListEntitiesForPolicy: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html>.
//! In one page; there are no groups.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::{iam_attachment, iam_role, iam_user};

use super::shapes::Nothing;
use super::{errors, lookup};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub policy_arn: String,
    pub entity_filter: Option<String>,
    pub path_prefix: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub policy_groups: Vec<Nothing>,
    pub policy_users: Vec<PolicyUser>,
    pub policy_roles: Vec<PolicyRole>,
    pub is_truncated: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyUser {
    pub user_name: String,
    pub user_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PolicyRole {
    pub role_name: String,
    pub role_id: String,
}

pub async fn list_entities_for_policy(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let arn = &input.policy_arn;
    let mut tx = cx.store.read().await?;
    let policy = lookup::policy(&mut tx, cx, arn).await?.ok_or_else(|| errors::no_policy(arn))?;
    let prefix = input.path_prefix.as_deref().unwrap_or("/");
    let wanted = |kind: &str| input.entity_filter.as_deref().is_none_or(|f| f == kind);
    let mut output =
        Output { policy_groups: Vec::new(), policy_users: Vec::new(), policy_roles: Vec::new(), is_truncated: false };
    for owner in iam_attachment::of_policy(&mut tx, lookup::account(cx), &policy.key(arn)).await? {
        if let Some(user) = iam_user::get_by_id(&mut tx, &owner).await? {
            if wanted("User") && user.path.starts_with(prefix) {
                output.policy_users.push(PolicyUser { user_name: user.name, user_id: user.id });
            }
        } else if let Some(role) = iam_role::get_by_id(&mut tx, &owner).await?
            && wanted("Role")
            && role.path.starts_with(prefix)
        {
            output.policy_roles.push(PolicyRole { role_name: role.name, role_id: role.id });
        }
    }
    Ok(output)
}
