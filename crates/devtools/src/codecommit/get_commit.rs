//! `GetCommit` by its full id.

use base::ApiError;
use git::ObjectId;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;
use super::repository::{blocking_git, find, open};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    commit_id: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    commit: Commit,
}

/// A commit as the API shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commit {
    commit_id: String,
    tree_id: String,
    parents: Vec<String>,
    message: String,
    author: Person,
    committer: Person,
    additional_data: String,
}

#[derive(Debug, Serialize)]
struct Person {
    name: String,
    email: String,
    date: String,
}

impl From<git::Commit> for Commit {
    fn from(c: git::Commit) -> Self {
        let person = |p: git::Identity| Person { name: p.name, email: p.email, date: p.date };
        Commit {
            commit_id: c.id.to_string(),
            tree_id: c.tree.to_string(),
            parents: c.parents.iter().map(ToString::to_string).collect(),
            message: c.message,
            author: person(c.author),
            committer: person(c.committer),
            additional_data: c.extra,
        }
    }
}

/// Tells a commit's author, parents, message and tree.
pub async fn get_commit(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let row = find(cx, &input.repository_name).await?;
    let id = ObjectId::parse(&input.commit_id).ok_or_else(errors::invalid_commit_id)?;
    let repository = open(cx, &row).await?;
    match blocking_git(move || repository.commit(id)).await? {
        Ok(commit) => Ok(Output { commit: commit.into() }),
        Err(git::Error::NoObject(_) | git::Error::WrongKind { .. }) => Err(errors::commit_id_does_not_exist()),
        Err(e) => Err(ApiError::internal(e)),
    }
}
