//! `DeleteFile`: one deletion in a commit of its own.

use base::ApiError;
use git::Edit;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::commit_files::{Request, base, clean_path, commit};
use super::errors;
use super::repository::{blocking, find, open};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    branch_name: String,
    file_path: String,
    parent_commit_id: String,
    #[serde(default)]
    keep_empty_folders: bool,
    commit_message: Option<String>,
    name: Option<String>,
    email: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    commit_id: String,
    blob_id: String,
    tree_id: String,
    file_path: String,
}

/// Deletes a file from the tip of a branch.
pub async fn delete_file(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let path = clean_path(&input.file_path)?;
    let row = find(cx, &input.repository_name).await?;
    let on = base(cx, &row, &input.branch_name, Some(&input.parent_commit_id)).await?;
    let tip = on.tip.ok_or_else(errors::file_does_not_exist)?;
    let (repository, wanted) = (open(cx, &row).await?, path.clone());
    let entry = blocking(move || repository.entry(repository.commit(tip)?.tree, &wanted)).await?;
    let entry = entry.ok_or_else(errors::file_does_not_exist)?;
    let request = Request {
        name: input.name,
        email: input.email,
        message: input.commit_message.unwrap_or_else(|| format!("Deleted {path}")),
        keep_empty_folders: input.keep_empty_folders,
    };
    let edits = vec![Edit::Delete { path: path.clone() }];
    let written = commit(cx, &row, on, request, edits, errors::file_does_not_exist).await?;
    Ok(Output {
        commit_id: written.commit.to_string(),
        blob_id: entry.id.to_string(),
        tree_id: written.tree.to_string(),
        file_path: path,
    })
}
