//! What `CreateCommit`, `PutFile` and `DeleteFile` share: checks, the commit's objects, the branch's new tip.

use base::ApiError;
use git::{Author, CommitSpec, Edit, EditConflict, ObjectId, RefChange, Written};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_ref;
use store::tables::codecommit_repository::Row;

use super::repository::{blocking_git, branch_ref, open};
use super::{errors, publish};

/// The largest file that the API reads or writes.
pub(super) const FILE_LIMIT_BYTES: u64 = 6 * 1024 * 1024;
const MESSAGE_LIMIT_BYTES: usize = 256 * 1024;
const NAME_LIMIT_BYTES: usize = 255;

/// `FileModeTypeEnum`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum FileMode {
    Executable,
    #[default]
    Normal,
    Symlink,
}

impl FileMode {
    pub(super) fn of(mode: git::Mode) -> Self {
        match mode {
            git::Mode::Executable => FileMode::Executable,
            git::Mode::Link => FileMode::Symlink,
            git::Mode::File | git::Mode::Tree | git::Mode::Submodule => FileMode::Normal,
        }
    }

    pub(super) fn mode(self) -> git::Mode {
        match self {
            FileMode::Executable => git::Mode::Executable,
            FileMode::Normal => git::Mode::File,
            FileMode::Symlink => git::Mode::Link,
        }
    }
}

/// A path in a repository without slashes around it. Refuses what git itself would not check out.
pub(super) fn clean_path(path: &str) -> Result<String, ApiError> {
    let clean = path.trim_matches('/');
    if clean.is_empty() {
        return Err(errors::path_required());
    }
    let bad = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
    if clean.len() > 4096 || clean.contains('\0') || clean.split('/').any(bad) {
        return Err(errors::invalid_path());
    }
    Ok(clean.to_owned())
}

/// Who commits, and what they say.
pub(super) struct Request {
    pub name: Option<String>,
    pub email: Option<String>,
    pub message: String,
    pub keep_empty_folders: bool,
}

/// The branch as the request found it.
pub(super) struct Base {
    pub reference: String,
    pub tip: Option<ObjectId>,
}

/// Checks the branch and the parent against each other and the repository.
pub(super) async fn base(cx: &Cx, row: &Row, branch: &str, parent: Option<&str>) -> Result<Base, ApiError> {
    let reference = branch_ref(branch)?;
    let parse = |id: &str| ObjectId::parse(id).ok_or_else(errors::invalid_parent_commit_id);
    let parent = parent.map(parse).transpose()?;
    let (tip, empty, is_tag) = {
        let mut tx = cx.store.read().await?;
        let tip = codecommit_ref::get(&mut tx, &row.id, &reference).await?;
        let empty = codecommit_ref::names(&mut tx, &row.id, "refs/heads/", "", 1).await?.is_empty();
        let tag = codecommit_ref::get(&mut tx, &row.id, &format!("refs/tags/{branch}")).await?;
        (tip.as_deref().and_then(ObjectId::parse), empty, tag.is_some())
    };
    let Some(tip) = tip else {
        return match parent {
            _ if is_tag => Err(errors::branch_is_tag()),
            None if empty => Ok(Base { reference, tip: None }),
            Some(_) if empty => Err(errors::parent_does_not_exist()),
            _ => Err(errors::branch_does_not_exist()),
        };
    };
    match parent {
        None => Err(errors::parent_required()),
        Some(parent) if parent == tip => Ok(Base { reference, tip: Some(tip) }),
        Some(parent) => {
            let repository = open(cx, row).await?;
            match blocking_git(move || repository.commit(parent)).await? {
                Ok(_) => Err(errors::parent_outdated()),
                Err(_) => Err(errors::parent_does_not_exist()),
            }
        }
    }
}

/// Writes the commit and moves the branch. `unchanged` is the answer when the edits change nothing.
pub(super) async fn commit(
    cx: &Cx,
    row: &Row,
    base: Base,
    request: Request,
    edits: Vec<Edit>,
    unchanged: fn() -> ApiError,
) -> Result<Written, ApiError> {
    let spec = CommitSpec {
        parent: base.tip,
        author: author(cx, &request)?,
        message: message(request.message)?,
        edits,
        keep_empty_folders: request.keep_empty_folders,
    };
    let repository = open(cx, row).await?;
    let writer = repository.clone();
    let written = match blocking_git(move || writer.write_commit(&spec)).await? {
        Ok(written) => written,
        Err(git::Error::Edit(conflict)) => return Err(refusal(&conflict)),
        Err(e) => return Err(ApiError::internal(e)),
    };
    if written.parent_tree == Some(written.tree) {
        return Err(unchanged());
    }
    let change = RefChange { name: base.reference, old: base.tip.unwrap_or(ObjectId::NULL), new: written.commit };
    match publish::one(cx, row, &repository, change).await? {
        Ok(()) => Ok(written),
        Err(_) => Err(errors::parent_outdated()),
    }
}

fn refusal(conflict: &EditConflict) -> ApiError {
    match conflict {
        EditConflict::IsFolder(_) => errors::is_folder(),
        EditConflict::ParentIsFile(_) => errors::parent_is_file(),
        EditConflict::InSubmodule(_) => errors::in_submodule(),
        EditConflict::Missing(_) => errors::file_does_not_exist(),
    }
}

/// Without a name, the last part of the caller's ARN.
fn author(cx: &Cx, request: &Request) -> Result<Author, ApiError> {
    let arn = &cx.caller.principal.arn;
    let own = || arn.rsplit(['/', ':']).next().unwrap_or(arn).to_owned();
    let name = request.name.clone().filter(|n| !n.trim().is_empty()).unwrap_or_else(own);
    let email = request.email.clone().unwrap_or_default();
    if name.len() > NAME_LIMIT_BYTES {
        return Err(errors::name_too_long());
    }
    if email.len() > NAME_LIMIT_BYTES || email.contains(['<', '>', '\n', '\0']) {
        return Err(errors::invalid_email());
    }
    Ok(Author { name, email, seconds: cx.now().secs() })
}

fn message(mut text: String) -> Result<String, ApiError> {
    if text.len() > MESSAGE_LIMIT_BYTES {
        return Err(errors::commit_message_too_long());
    }
    // As git does for its own commits.
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
