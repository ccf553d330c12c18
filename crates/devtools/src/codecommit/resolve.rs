//! From what a request calls a commit to the commit.

use base::ApiError;
use git::ObjectId;
use platform::Cx;
use store::Tx;
use store::tables::codecommit_ref;
use store::tables::codecommit_repository::Row;

use super::errors;
use super::repository::{blocking_git, open};

/// The commit that `specifier` names: a full commit id, `HEAD`, a full ref name, a branch or a tag, in this order.
/// None means the default branch. `CommitDoesNotExistException` when there is no such commit.
pub async fn resolve(cx: &Cx, row: &Row, specifier: Option<&str>) -> Result<ObjectId, ApiError> {
    let found = {
        let mut tx = cx.store.read().await?;
        object(&mut tx, row, specifier.unwrap_or("HEAD")).await?
    };
    let id = found.ok_or_else(errors::commit_does_not_exist)?;
    let repository = open(cx, row).await?;
    match blocking_git(move || repository.resolve(&id.to_string())).await? {
        Ok(commit) => Ok(commit),
        Err(git::Error::NoRevision(_)) => Err(errors::commit_does_not_exist()),
        Err(e) => Err(ApiError::internal(e)),
    }
}

/// The object that a specifier names, by the store's refs.
async fn object(tx: &mut Tx, row: &Row, specifier: &str) -> Result<Option<ObjectId>, ApiError> {
    if let Some(id) = ObjectId::parse(specifier) {
        return Ok(Some(id));
    }
    let names = match specifier {
        "HEAD" => row.default_branch.iter().map(|branch| format!("refs/heads/{branch}")).collect(),
        full if full.starts_with("refs/") => vec![full.to_owned()],
        short => vec![format!("refs/heads/{short}"), format!("refs/tags/{short}")],
    };
    for name in names {
        if let Some(object) = codecommit_ref::get(tx, &row.id, &name).await? {
            return Ok(ObjectId::parse(&object));
        }
    }
    Ok(None)
}
