//! `CreateCommit`: puts, deletions and mode changes of up to 100 files in one commit on the tip of a branch.
//!
//! Everything about the request itself is checked first, then the parent against the branch, then each edit against
//! the tree; nothing is visible until the branch moves.

use std::collections::BTreeSet;

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git::{ChangeKind, Content, Edit, ObjectId, Side};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository::Row;

use super::commit_files::{Base, FILE_LIMIT_BYTES, FileMode, Request, base, clean_path, commit};
use super::errors;
use super::repository::{blocking, find, open};

const MAX_ENTRIES: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    branch_name: String,
    parent_commit_id: Option<String>,
    author_name: Option<String>,
    email: Option<String>,
    commit_message: Option<String>,
    #[serde(default)]
    keep_empty_folders: bool,
    #[serde(default)]
    put_files: Vec<PutFile>,
    #[serde(default)]
    delete_files: Vec<DeleteFile>,
    #[serde(default)]
    set_file_modes: Vec<SetFileMode>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PutFile {
    file_path: String,
    file_mode: Option<FileMode>,
    file_content: Option<String>,
    source_file: Option<SourceFile>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceFile {
    file_path: String,
    #[serde(default)]
    is_move: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteFile {
    file_path: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetFileMode {
    file_path: String,
    file_mode: FileMode,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    commit_id: String,
    tree_id: String,
    files_added: Vec<FileMetadata>,
    files_updated: Vec<FileMetadata>,
    files_deleted: Vec<FileMetadata>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FileMetadata {
    absolute_path: String,
    blob_id: String,
    file_mode: FileMode,
}

/// Makes a commit.
pub async fn create_commit(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let entries = input.put_files.len() + input.delete_files.len() + input.set_file_modes.len();
    if entries == 0 {
        return Err(errors::file_entry_required());
    }
    if entries > MAX_ENTRIES {
        return Err(errors::too_many_file_entries());
    }
    cx.room()?;
    let wanted = wanted(input.put_files, input.delete_files, input.set_file_modes)?;
    let row = find(cx, &input.repository_name).await?;
    let on = base(cx, &row, &input.branch_name, input.parent_commit_id.as_deref()).await?;
    let edits = edits(cx, &row, &on, wanted).await?;
    let before = on.tip;
    let request = Request {
        name: input.author_name,
        email: input.email,
        message: input.commit_message.unwrap_or_else(|| "Commit by CreateCommit".to_owned()),
        keep_empty_folders: input.keep_empty_folders,
    };
    let written = commit(cx, &row, on, request, edits, errors::no_change).await?;
    let repository = open(cx, &row).await?;
    let changes = blocking(move || repository.diff(before, written.commit)).await?;
    let mut output =
        Output { commit_id: written.commit.to_string(), tree_id: written.tree.to_string(), ..Output::default() };
    for change in changes {
        let list = match change.kind() {
            ChangeKind::Added => &mut output.files_added,
            ChangeKind::Modified => &mut output.files_updated,
            ChangeKind::Deleted => &mut output.files_deleted,
        };
        if let Some(Side { id, mode }) = change.after.or(change.before) {
            let (absolute_path, blob_id) = (change.path, id.to_string());
            list.push(FileMetadata { absolute_path, blob_id, file_mode: FileMode::of(mode) });
        }
    }
    Ok(output)
}

/// An edit whose source, if it has one, is not yet looked up.
enum Wanted {
    Ready(Edit),
    Copy { path: String, source: String, mode: Option<FileMode> },
}

fn wanted(puts: Vec<PutFile>, deletes: Vec<DeleteFile>, modes: Vec<SetFileMode>) -> Result<Vec<Wanted>, ApiError> {
    let mut out = Vec::new();
    let mut paths = BTreeSet::new();
    let mut fresh = |path: &str| if paths.insert(path.to_owned()) { Ok(()) } else { Err(errors::same_path()) };
    let mut moved = Vec::new();
    let mut put_paths = BTreeSet::new();
    for put in puts {
        let path = clean_path(&put.file_path)?;
        fresh(&path)?;
        put_paths.insert(path.clone());
        out.push(match (put.file_content, put.source_file) {
            (Some(_), Some(_)) => return Err(errors::content_and_source()),
            (None, None) => return Err(errors::source_or_content_required()),
            (Some(content), None) => {
                let content = STANDARD.decode(&content).map_err(ApiError::internal)?;
                if content.len() as u64 > FILE_LIMIT_BYTES {
                    return Err(errors::content_too_large());
                }
                let mode = put.file_mode.unwrap_or_default().mode();
                Wanted::Ready(Edit::Put { path, content: Content::Bytes(content), mode })
            }
            (None, Some(source)) => {
                let from = clean_path(&source.file_path)?;
                if from.rsplit('/').next() == Some(".gitkeep") {
                    return Err(errors::restricted_source());
                }
                if source.is_move {
                    moved.push(from.clone());
                }
                Wanted::Copy { path, source: from, mode: put.file_mode }
            }
        });
    }
    let folders = |path: &String| {
        path.match_indices('/').filter_map(|(at, _)| path.get(..at)).map(str::to_owned).collect::<Vec<_>>()
    };
    if put_paths.iter().flat_map(folders).any(|folder| put_paths.contains(&folder)) {
        return Err(errors::put_conflict());
    }
    let deletes = deletes.into_iter().map(|d| clean_path(&d.file_path)).collect::<Result<Vec<_>, _>>()?;
    for path in moved.into_iter().chain(deletes) {
        fresh(&path)?;
        out.push(Wanted::Ready(Edit::Delete { path }));
    }
    for mode in modes {
        let path = clean_path(&mode.file_path)?;
        fresh(&path)?;
        out.push(Wanted::Ready(Edit::SetMode { path, mode: mode.file_mode.mode() }));
    }
    Ok(out)
}

/// Looks the sources up in the parent, so that a file can be moved and its old place taken in one commit.
async fn edits(cx: &Cx, row: &Row, on: &Base, wanted: Vec<Wanted>) -> Result<Vec<Edit>, ApiError> {
    let repository = open(cx, row).await?;
    let tip: Option<ObjectId> = on.tip;
    let edits = blocking(move || {
        let tree = tip.map(|tip| repository.commit(tip)).transpose()?.map(|c| c.tree);
        let mut out = Vec::new();
        for one in wanted {
            out.push(match one {
                Wanted::Ready(edit) => edit,
                Wanted::Copy { path, source, mode } => {
                    let entry = tree.map(|tree| repository.entry(tree, &source)).transpose()?.flatten();
                    let Some(entry) = entry.filter(|e| e.mode.is_blob()) else { return Ok(None) };
                    let mode = mode.map_or(entry.mode, FileMode::mode);
                    Edit::Put { path, content: Content::Blob(entry.id), mode }
                }
            });
        }
        // Deletions first: a file may take the place of a folder that a move empties.
        out.sort_by_key(|edit| !matches!(edit, Edit::Delete { .. }));
        Ok(Some(out))
    })
    .await?;
    edits.ok_or_else(errors::file_does_not_exist)
}
