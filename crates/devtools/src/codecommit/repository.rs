//! Finding repositories, and how they look to clients.

use base::{ApiError, Scope, Tags, Timestamp};
use git::Repositories;
use platform::{Cx, Site};
use serde::Serialize;
use store::Tx;
use store::tables::codecommit_repository::{self as table, Row};

use super::{errors, publish};

/// The repository with this name.
pub async fn find_repository(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Option<Row>, store::Error> {
    table::find(tx, scope, name).await
}

/// All repositories of this installation on disk.
pub fn repositories(site: &Site) -> Repositories {
    Repositories::new(site.data_dir.join("repositories"))
}

/// The repository's objects. Its refs on disk may be a moment behind: ask the store for those.
pub async fn open(cx: &Cx, row: &Row) -> Result<git::Repository, ApiError> {
    let (all, id) = (repositories(&cx.site), row.id.clone());
    // The row comes first and the folder after it, so a crash may have left a row alone.
    blocking(move || all.open(&id).or_else(|_| all.create(&id))).await
}

/// The repository with refs on disk that are no older than `row`, for `git` to serve.
pub async fn open_for_git(cx: &Cx, row: &Row) -> Result<git::Repository, ApiError> {
    let repository = open(cx, row).await?;
    let number = repository.mirrored().map_err(ApiError::internal)?.unwrap_or(0);
    if number < row.ref_number {
        publish::mirror(&cx.store, &repository).await?;
    }
    Ok(repository)
}

/// The repository that a request names.
pub(super) async fn required(tx: &mut Tx, scope: &Scope, name: &str) -> Result<Row, ApiError> {
    check_name(name)?;
    find_repository(tx, scope, name).await?.ok_or_else(|| errors::repository_does_not_exist(name))
}

/// As [`required`], with a connection of its own.
pub(super) async fn find(cx: &Cx, name: &str) -> Result<Row, ApiError> {
    required(&mut cx.store.read().await?, cx.scope(), name).await
}

pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() {
        return Err(errors::repository_name_required());
    }
    if name.len() > 100 || !name.chars().all(allowed) || name.ends_with(".git") {
        return Err(errors::invalid_repository_name());
    }
    Ok(())
}

/// The full name of a branch's ref.
pub(super) fn branch_ref(branch: &str) -> Result<String, ApiError> {
    if branch.is_empty() {
        return Err(errors::branch_name_required());
    }
    let name = format!("refs/heads/{branch}");
    if branch.len() <= 256 && git::valid_ref_name(&name) { Ok(name) } else { Err(errors::invalid_branch_name()) }
}

/// Adds `new` to `tags` if AWS's rules allow it.
pub(super) fn add_tags(tags: &mut Tags, new: Tags) -> Result<(), ApiError> {
    if new.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(errors::invalid_system_tag());
    }
    tags.extend(new);
    if tags.len() > 50 { Err(errors::too_many_tags()) } else { Ok(()) }
}

/// The repository whose ARN tags are about.
pub(super) async fn by_arn(tx: &mut Tx, scope: &Scope, arn: &str) -> Result<Row, ApiError> {
    let arn = base::Arn::parse(arn).filter(|arn| *arn == scope.arn("codecommit", arn.resource.clone()));
    let arn = arn.ok_or_else(errors::invalid_resource_arn)?;
    required(tx, scope, &arn.resource).await
}

/// Runs what waits for the disk away from the threads that serve requests.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, git::Error> + Send + 'static,
) -> Result<T, ApiError> {
    blocking_git(work).await?.map_err(|e| match e {
        git::Error::TooLarge { .. } => errors::too_large(&e),
        _ => ApiError::internal(e),
    })
}

/// As [`blocking`], for callers that tell git's errors apart.
pub(super) async fn blocking_git<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, git::Error> + Send + 'static,
) -> Result<Result<T, git::Error>, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}

/// `RepositoryMetadata`.
///
/// Deviation: the URLs name this server, so that clients need no rewriting. SSH is not served.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    account_id: String,
    repository_id: String,
    repository_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_branch: Option<String>,
    last_modified_date: Timestamp,
    creation_date: Timestamp,
    clone_url_http: String,
    clone_url_ssh: String,
    #[serde(rename = "Arn")]
    arn: String,
}

impl Metadata {
    pub(super) fn new(cx: &Cx, row: &Row) -> Self {
        let endpoint = &cx.site.endpoint;
        let host = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, host)| host);
        Metadata {
            account_id: row.scope.account.to_string(),
            repository_id: row.id.clone(),
            repository_name: row.name.clone(),
            repository_description: row.description.clone().filter(|d| !d.is_empty()),
            default_branch: row.default_branch.clone(),
            last_modified_date: row.updated,
            creation_date: row.created,
            clone_url_http: format!("{endpoint}/v1/repos/{}", row.name),
            clone_url_ssh: format!("ssh://{host}/v1/repos/{}", row.name),
            arn: row.scope.arn("codecommit", row.name.clone()).to_string(),
        }
    }
}
