//! `GetBranch`.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_ref;

use super::errors;
use super::repository::{branch_ref, required};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: Option<String>,
    branch_name: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    branch: Branch,
}

/// A branch and the commit at its tip.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Branch {
    pub branch_name: String,
    pub commit_id: String,
}

/// Tells a branch's tip.
pub async fn get_branch(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let branch_name = input.branch_name.unwrap_or_default();
    let mut tx = cx.store.read().await?;
    let row = required(&mut tx, cx.scope(), &input.repository_name.unwrap_or_default()).await?;
    let tip = codecommit_ref::get(&mut tx, &row.id, &branch_ref(&branch_name)?).await?;
    let commit_id = tip.ok_or_else(errors::branch_does_not_exist)?;
    Ok(Output { branch: Branch { branch_name, commit_id } })
}
