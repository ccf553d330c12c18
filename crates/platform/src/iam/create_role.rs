//! CreateRole: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>. The trust policy is
//! checked; who it names need not exist.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::tables::iam_role;

use super::shapes::{Role, Tag};
use super::{documents, errors, lookup, names, shapes};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub role_name: String,
    pub assume_role_policy_document: String,
    pub path: Option<String>,
    pub description: Option<String>,
    pub max_session_duration: Option<i64>,
    pub permissions_boundary: Option<String>,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub role: Role,
}

pub async fn create_role(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    documents::trust(&input.assume_role_policy_document)?;
    transact(cx, input, |tx, cx, input| {
        Box::pin(async move {
            let name = &input.role_name;
            if iam_role::get(tx, lookup::account(cx), name).await?.is_some() {
                return Err(errors::exists(format!("Role with name {name} already exists.")));
            }
            let row = iam_role::Row {
                account: lookup::account(cx).to_owned(),
                name: name.clone(),
                id: names::unique_id(cx.ids.as_ref(), "AROA"),
                path: input.path.clone().unwrap_or_else(|| "/".to_owned()),
                description: input.description.clone(),
                trust: input.assume_role_policy_document.clone(),
                max_session_seconds: input.max_session_duration.unwrap_or(3600),
                boundary: input.permissions_boundary.clone(),
                tags: shapes::retag(&base::Tags::new(), &input.tags)?,
                created: cx.now(),
                last_used: None,
            };
            iam_role::insert(tx, &row).await?;
            Ok(Output { role: Role::created(cx.scope(), &row) })
        })
    })
    .await
}
