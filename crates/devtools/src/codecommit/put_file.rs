//! `PutFile`: one file in a commit of its own.

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git::{Content, Edit};
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::commit_files::{FILE_LIMIT_BYTES, FileMode, Request, base, clean_path, commit};
use super::errors;
use super::repository::{blocking, find, open};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    branch_name: String,
    file_content: String,
    file_path: String,
    file_mode: Option<FileMode>,
    parent_commit_id: Option<String>,
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
}

/// Adds or changes a file.
pub async fn put_file(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    cx.room()?;
    let path = clean_path(&input.file_path)?;
    let content = STANDARD.decode(&input.file_content).map_err(ApiError::internal)?;
    if content.is_empty() {
        return Err(errors::content_required());
    }
    if content.len() as u64 > FILE_LIMIT_BYTES {
        return Err(errors::content_too_large());
    }
    let row = find(cx, &input.repository_name).await?;
    let on = base(cx, &row, &input.branch_name, input.parent_commit_id.as_deref()).await?;
    let mode = input.file_mode.unwrap_or_default().mode();
    let edit = Edit::Put { path: path.clone(), content: Content::Bytes(content), mode };
    let request = Request {
        name: input.name,
        email: input.email,
        message: input.commit_message.unwrap_or_else(|| format!("Put {path}")),
        keep_empty_folders: false,
    };
    let written = commit(cx, &row, on, request, vec![edit], errors::same_content).await?;
    let repository = open(cx, &row).await?;
    let entry = blocking(move || repository.entry(written.tree, &path)).await?;
    let entry = entry.ok_or_else(|| ApiError::internal("the file that was put is not there"))?;
    Ok(Output {
        commit_id: written.commit.to_string(),
        blob_id: entry.id.to_string(),
        tree_id: written.tree.to_string(),
    })
}
