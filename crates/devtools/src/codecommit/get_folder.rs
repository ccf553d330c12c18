//! `GetFolder`: what lies in a folder at a commit; `""` and `/` are the root.

use base::ApiError;
use git::Mode;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::commit_files::FileMode;
use super::errors;
use super::repository::{blocking, find, open};
use super::resolve::resolve;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    commit_specifier: Option<String>,
    folder_path: String,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    commit_id: String,
    folder_path: String,
    tree_id: String,
    sub_folders: Vec<Folder>,
    files: Vec<File>,
    symbolic_links: Vec<File>,
    sub_modules: Vec<SubModule>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Folder {
    tree_id: String,
    absolute_path: String,
    relative_path: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    blob_id: String,
    absolute_path: String,
    relative_path: String,
    file_mode: FileMode,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SubModule {
    commit_id: String,
    absolute_path: String,
    relative_path: String,
}

/// Lists a folder.
pub async fn get_folder(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let row = find(cx, &input.repository_name).await?;
    let commit = resolve(cx, &row, input.commit_specifier.as_deref()).await?;
    let folder_path = input.folder_path.trim_matches('/').to_owned();
    let repository = open(cx, &row).await?;
    let wanted = folder_path.clone();
    let found = blocking(move || repository.folder(repository.commit(commit)?.tree, &wanted)).await?;
    let (tree, entries) = found.ok_or_else(errors::folder_does_not_exist)?;
    let mut output =
        Output { commit_id: commit.to_string(), tree_id: tree.to_string(), folder_path, ..Output::default() };
    for entry in entries {
        let relative_path = entry.path_text();
        let absolute_path = match output.folder_path.as_str() {
            "" => relative_path.clone(),
            folder => format!("{folder}/{relative_path}"),
        };
        let id = entry.id.to_string();
        match entry.mode {
            Mode::Tree => output.sub_folders.push(Folder { tree_id: id, absolute_path, relative_path }),
            Mode::Submodule => output.sub_modules.push(SubModule { commit_id: id, absolute_path, relative_path }),
            Mode::File | Mode::Executable | Mode::Link => {
                let file_mode = FileMode::of(entry.mode);
                let file = File { blob_id: id, absolute_path, relative_path, file_mode };
                if entry.mode == Mode::Link { output.symbolic_links.push(file) } else { output.files.push(file) }
            }
        }
    }
    Ok(output)
}
