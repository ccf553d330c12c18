//! `GetFile`: a file's content at a commit, up to 6 MB.

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::commit_files::{FILE_LIMIT_BYTES, FileMode, clean_path};
use super::errors;
use super::repository::{blocking, find, open};
use super::resolve::resolve;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    commit_specifier: Option<String>,
    file_path: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    commit_id: String,
    blob_id: String,
    file_path: String,
    file_mode: FileMode,
    file_size: u64,
    file_content: String,
}

/// Gives a file's content. For a symbolic link that is its target.
pub async fn get_file(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let path = clean_path(&input.file_path)?;
    let row = find(cx, &input.repository_name).await?;
    let commit = resolve(cx, &row, input.commit_specifier.as_deref()).await?;
    let repository = open(cx, &row).await?;
    let wanted = path.clone();
    let found = blocking(move || {
        let tree = repository.commit(commit)?.tree;
        let Some(entry) = repository.entry(tree, &wanted)?.filter(|e| e.mode.is_blob()) else { return Ok(None) };
        let size = repository.blob_size(entry.id)?;
        let content = if size > FILE_LIMIT_BYTES { None } else { Some(repository.blob(entry.id)?) };
        Ok(Some((entry, size, content)))
    })
    .await?;
    let (entry, file_size, content) = found.ok_or_else(errors::file_does_not_exist)?;
    let content = content.ok_or_else(errors::file_too_large)?;
    Ok(Output {
        commit_id: commit.to_string(),
        blob_id: entry.id.to_string(),
        file_path: path,
        file_mode: FileMode::of(entry.mode),
        file_size,
        file_content: STANDARD.encode(content),
    })
}
