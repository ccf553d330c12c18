//! `DeleteBranch`; not the default one. As with AWS, deleting what is not there succeeds and names no branch.

use base::ApiError;
use git::{ObjectId, RefChange};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_ref;

use super::get_branch::Branch;
use super::repository::{branch_ref, open, required};
use super::{errors, publish};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    branch_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_branch: Option<Branch>,
}

/// Deletes a branch.
pub async fn delete_branch(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = branch_ref(&input.branch_name)?;
    loop {
        let (row, tip) = {
            let mut tx = cx.store.read().await?;
            let row = required(&mut tx, cx.scope(), &input.repository_name).await?;
            let tip = codecommit_ref::get(&mut tx, &row.id, &name).await?;
            (row, tip)
        };
        if row.default_branch.as_deref() == Some(input.branch_name.as_str()) {
            return Err(errors::default_branch_stays());
        }
        let Some(old) = tip.as_deref().and_then(ObjectId::parse) else { return Ok(Output { deleted_branch: None }) };
        let repository = open(cx, &row).await?;
        let change = RefChange { name: name.clone(), old, new: ObjectId::NULL };
        // A refusal means that someone moved the branch meanwhile, so look again.
        if publish::one(cx, &row, &repository, change).await?.is_ok() {
            let branch = Branch { branch_name: input.branch_name, commit_id: old.to_string() };
            return Ok(Output { deleted_branch: Some(branch) });
        }
    }
}
