//! `CreateBranch` at a commit that is there.

use base::ApiError;
use git::{Kind, ObjectId, RefChange};
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::repository::{blocking_git, branch_ref, find, open};
use super::{errors, publish};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    branch_name: String,
    commit_id: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Creates a branch.
pub async fn create_branch(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let row = find(cx, &input.repository_name).await?;
    let name = branch_ref(&input.branch_name)?;
    let new = ObjectId::parse(&input.commit_id).ok_or_else(errors::invalid_commit_id)?;
    let repository = open(cx, &row).await?;
    let objects = repository.clone();
    match blocking_git(move || objects.kind(new)).await? {
        Ok(Kind::Commit) => {}
        Ok(_) | Err(git::Error::NoObject(_)) => return Err(errors::commit_does_not_exist()),
        Err(e) => return Err(ApiError::internal(e)),
    }
    let change = RefChange { name, old: ObjectId::NULL, new };
    match publish::one(cx, &row, &repository, change).await? {
        Ok(()) => Ok(Output {}),
        Err(_) => Err(errors::branch_exists()),
    }
}
