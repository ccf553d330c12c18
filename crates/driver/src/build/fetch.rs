//! Sources: from CodeCommit, from git servers elsewhere, from S3, from a pipeline's artifact store, from a folder of this
//! machine.

use std::path::{Component, Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use base::{ApiError, ErrorKind};
use devtools::codebuild::source_login;
use devtools::codecommit;
use engine::build::{GitSource, Place, Request, Source, SourceKind};
use futures_util::StreamExt;
use platform::iam;
use platform::needs::Need;
use platform::{Cx, s3};
use tokio::io::AsyncWriteExt;

use super::cache::local_folder;
use super::prepare::Trouble;
use super::{copy, submodules};
use crate::PerformError;
use crate::archive::{self, Limits, Links};
use crate::pipeline::clone_ref::{self, CloneOrigin, CloneRef};
use crate::pipeline::git_source::of_connection;
use crate::pipeline::role::use_connection;

/// Fetches one source into `dir`, which exists and is empty. Gives the version that it resolved to.
pub(super) async fn fetch(cx: &Cx, request: &Request, source: &Source, dir: &Path) -> Result<Option<String>, Trouble> {
    let which = match &source.identifier {
        None => "primary source".to_owned(),
        Some(identifier) => format!("secondary source {identifier}"),
    };
    match &source.kind {
        SourceKind::NoSource => Ok(None),
        SourceKind::CodeCommit { repository, location, depth, submodules } => {
            let repository = CodeCommit { name: repository, location, depth: *depth, submodules: *submodules };
            code_commit(cx, repository, source.version.as_deref(), &which, dir).await.map(Some)
        }
        SourceKind::Local { in_place: true, .. } => Ok(None),
        SourceKind::Local { folder, in_place: false } => local(cx, folder, dir).await.map(|()| None),
        SourceKind::Git(git) => remote(cx, request, git, source.version.as_deref(), &which, dir).await.map(Some),
        SourceKind::S3(place) if place.key.is_empty() || place.key.ends_with('/') => {
            folder(cx, place, dir).await.map(|()| None)
        }
        SourceKind::S3(place) => zip(cx, request, place, source.version.as_deref(), dir).await.map(|()| None),
        SourceKind::Pipeline { place, revision } => match clone_ref(cx, place).await? {
            Some(reference) => cloned(cx, &reference, &which, dir).await.map(Some),
            None => {
                zip(cx, request, place, None, dir).await?;
                Ok(revision.clone())
            }
        },
    }
}

/// The reference that an artifact is, if it is one.
async fn clone_ref(cx: &Cx, place: &Place) -> Result<Option<CloneRef>, Trouble> {
    let (found, body) = s3::open(cx, &place.bucket, &place.key, None).await.map_err(trouble)?;
    if found.size > clone_ref::MAX_BYTES {
        return Ok(None);
    }
    let content = body.collect(usize::try_from(clone_ref::MAX_BYTES).unwrap_or(usize::MAX)).await;
    let content =
        content.map_err(|e| PerformError::new(format!("read the artifact {}/{}", place.bucket, place.key), e))?;
    Ok(CloneRef::read(&content))
}

/// Clones what a reference names, as far as the build's role may have it.
async fn cloned(cx: &Cx, reference: &CloneRef, which: &str, dir: &Path) -> Result<String, Trouble> {
    let commit = Some(reference.commit.as_str());
    match &reference.origin {
        CloneOrigin::CodeCommit { repository } => {
            let location = format!("{}/v1/repos/{repository}", cx.site.endpoint);
            let repository = CodeCommit { name: repository, location: &location, depth: None, submodules: false };
            code_commit(cx, repository, commit, which, dir).await
        }
        CloneOrigin::Connection { connection_arn, full_repository_id } => {
            iam::authorize(cx, &[use_connection(connection_arn, full_repository_id)]).await.map_err(|e| {
                match e.kind {
                    ErrorKind::Client => {
                        let why = format!("authorization failed for {which}: {}", e.message);
                        Trouble::source("CLIENT_ERROR", why)
                    }
                    ErrorKind::Server => PerformError::new("decide on a source", e).into(),
                }
            })?;
            // The connection's secret is the connection's: who may use it need not be able to read it.
            let service = cx.as_service("codeconnections", cx.scope());
            let place =
                of_connection(&service, connection_arn, full_repository_id).await.map_err(|e| match e.kind {
                    ErrorKind::Client => Trouble::source("CLIENT_ERROR", format!("{which}: {}", e.message)),
                    ErrorKind::Server => PerformError::new("read a connection", e).into(),
                })?;
            place.remote(&reference.commit, None).working_copy(dir).await.map_err(|e| match place.trouble(e) {
                crate::pipeline::Trouble::Users { message, .. } => Trouble::source("CLIENT_ERROR", message),
                crate::pipeline::Trouble::Ours(e) => e.into(),
            })
        }
    }
}

struct CodeCommit<'a> {
    name: &'a str,
    location: &'a str,
    depth: Option<u32>,
    submodules: bool,
}

async fn code_commit(
    cx: &Cx,
    CodeCommit { name, location, depth, submodules }: CodeCommit<'_>,
    version: Option<&str>,
    which: &str,
    dir: &Path,
) -> Result<String, Trouble> {
    let row = {
        let mut tx = cx.store.read().await.map_err(PerformError::from)?;
        codecommit::find_repository(&mut tx, cx.scope(), name).await.map_err(PerformError::from)?
    };
    let wanted = version.unwrap_or("the default branch");
    let Some(row) = row else {
        let why = format!("repository {name} not found for {which} and source version {wanted}");
        return Err(Trouble::source("CLIENT_ERROR", why));
    };
    may_pull(cx, name, &format!("{which} and source version {wanted}")).await?;
    let commit = codecommit::resolve(cx, &row, version).await.map_err(|e| match e.kind {
        ErrorKind::Client => {
            let why = format!("reference not found for {which} and source version {wanted}");
            Trouble::source("CLIENT_ERROR", why)
        }
        ErrorKind::Server => PerformError::new("resolve a source version", e).into(),
    })?;
    let repository = codecommit::open(cx, &row).await.map_err(|e| PerformError::new("open a repository", e))?;
    match repository.working_copy(commit, dir, location, depth).await {
        Ok(()) => {}
        Err(e) if e.is_content() => return Err(Trouble::source("CLIENT_ERROR", e.to_string())),
        Err(e) => return Err(PerformError::new("check a commit out", e).into()),
    }
    if submodules {
        let left = AtomicUsize::new(submodules::MAX_SUBMODULES);
        let around = submodules::Around { repository: &repository, commit, location, dir, depth, left: &left };
        submodules::fetch(cx, around, which, 0).await?;
    }
    Ok(commit.to_string())
}

/// Whether the build may have a repository of this server.
pub(super) async fn may_pull(cx: &Cx, name: &str, what: &str) -> Result<(), Trouble> {
    let repository = cx.arn("codecommit", name).to_string();
    iam::authorize(cx, &[Need::new("codecommit:GitPull", repository)]).await.map_err(|e| match e.kind {
        ErrorKind::Client => Trouble::source("CLIENT_ERROR", format!("authorization failed for {what}: {}", e.message)),
        ErrorKind::Server => PerformError::new("decide on a source", e).into(),
    })
}

/// A repository elsewhere, with the token that its project or its account has for it.
async fn remote(
    cx: &Cx,
    request: &Request,
    git: &GitSource,
    version: Option<&str>,
    which: &str,
    dir: &Path,
) -> Result<String, Trouble> {
    let login = source_login(cx, &git.provider, git.secret.as_deref()).await.map_err(|e| match e.kind {
        ErrorKind::Client => Trouble::source("CLIENT_ERROR", format!("no credentials for {which}: {}", e.message)),
        ErrorKind::Server => PerformError::new("read source credentials", e).into(),
    })?;
    let login = login.map(|login| git::Login { user: login.user, password: login.token.expose().clone() });
    let remote = git::Remote {
        url: git.location.clone(),
        version: version.map(str::to_owned),
        depth: git.depth,
        submodules: git.submodules,
        login,
        insecure_tls: git.insecure_tls,
        cache: source_cache(cx, request, git).await?,
    };
    let url = &git.location;
    match remote.working_copy(dir).await {
        Ok(commit) => Ok(commit),
        Err(git::RemoteError::Local(e)) => Err(PerformError::new("fetch a source", e).into()),
        Err(git::RemoteError::NeedsLogin) => {
            let why = format!("authentication required for {which} and source version {}", version.unwrap_or_default());
            Err(Trouble::source("CLIENT_ERROR", why.trim_end()))
        }
        Err(git::RemoteError::NoRepository) => {
            let why = format!("repository not found for {which} and source version {}", version.unwrap_or_default());
            Err(Trouble::source("CLIENT_ERROR", why.trim_end()))
        }
        Err(git::RemoteError::NoVersion(version)) => {
            let why = format!("reference not found for {which} and source version {version}");
            Err(Trouble::source("CLIENT_ERROR", why))
        }
        Err(e @ (git::RemoteError::BadUrl(_) | git::RemoteError::Refused(_))) => {
            Err(Trouble::source("CLIENT_ERROR", format!("{which} {url}: {e}")))
        }
    }
}

/// Where the history of a source is kept for the project's next build.
async fn source_cache(cx: &Cx, request: &Request, git: &GitSource) -> Result<Option<PathBuf>, PerformError> {
    if !request.has_local_cache("LOCAL_SOURCE_CACHE") {
        return Ok(None);
    }
    let dir = local_folder(cx, request).await?;
    Ok(Some(dir.join("sources").join(base::derived_hex::<32>(&["source", &git.location]))))
}

async fn zip(cx: &Cx, request: &Request, place: &Place, version: Option<&str>, dir: &Path) -> Result<(), Trouble> {
    let packed = request.work_dir.join("source.zip");
    download(cx, place, version, &packed).await?;
    let (from, into, shown) = (packed.clone(), dir.to_owned(), format!("{}/{}", place.bucket, place.key));
    let unpacked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&from)?;
        let size = file.metadata()?.len();
        let result = archive::unpack(file, size, &into, Links::Any, Limits::default());
        std::fs::remove_file(&from)?;
        Ok::<_, std::io::Error>(result)
    });
    let unpacked = unpacked.await.map_err(|e| PerformError::new("unpack a source", e))?;
    match unpacked.map_err(|e| PerformError::new("unpack a source", e))? {
        Ok(()) => Ok(()),
        Err(e) if e.is_users() => Err(Trouble::source("CLIENT_ERROR", format!("{shown}: {e}"))),
        Err(e) => Err(PerformError::new("unpack a source", e).into()),
    }
}

async fn local(cx: &Cx, folder: &Path, dir: &Path) -> Result<(), Trouble> {
    let (from, to, data) = (folder.to_owned(), dir.to_owned(), cx.site.data_dir.clone());
    let copied = tokio::task::spawn_blocking(move || copy::copy_folder(&from, &to, &data));
    match copied.await.map_err(|e| PerformError::new("copy a source", e))? {
        Ok(()) => Ok(()),
        Err(copy::CopyError::Read { path, source }) => {
            Err(Trouble::source("CLIENT_ERROR", format!("cannot read {}: {source}", path.display())))
        }
        Err(e) => Err(PerformError::new("copy a source", e).into()),
    }
}

pub(crate) async fn folder(cx: &Cx, place: &Place, dir: &Path) -> Result<(), Trouble> {
    let objects = s3::list(cx, &place.bucket, &place.key).await.map_err(trouble)?;
    for object in objects {
        let key = &object.key;
        let Some(relative) = key.strip_prefix(&place.key).filter(|r| !r.is_empty() && !r.ends_with('/')) else {
            continue;
        };
        let Some(path) = below(dir, relative) else {
            let why = format!("the key {key} cannot be a file's name");
            return Err(Trouble::source("CLIENT_ERROR", why));
        };
        if let Some(parent) = path.parent() {
            super::prepare::make(parent).await?;
        }
        download(cx, &Place { bucket: place.bucket.clone(), key: key.clone() }, None, &path).await?;
    }
    Ok(())
}

/// `relative` below `dir`, if it has plain names only.
fn below(dir: &Path, relative: &str) -> Option<PathBuf> {
    let plain = Path::new(relative).components().all(|c| matches!(c, Component::Normal(_)));
    (plain && !relative.contains('\0')).then(|| dir.join(relative))
}

pub(crate) async fn download(cx: &Cx, place: &Place, version: Option<&str>, path: &Path) -> Result<(), Trouble> {
    let (_, mut body) = s3::open(cx, &place.bucket, &place.key, version).await.map_err(trouble)?;
    let failed = |e: std::io::Error| PerformError::new(format!("write {}", path.display()), e);
    let mut file = tokio::fs::File::create_new(path).await.map_err(failed)?;
    while let Some(piece) = body.next().await {
        file.write_all(&piece.map_err(failed)?).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(())
}

/// A small object as text.
pub(super) async fn text(cx: &Cx, bucket: &str, key: &str, limit: u64) -> Result<String, Trouble> {
    let (_, body) = s3::open(cx, bucket, key, None).await.map_err(trouble)?;
    let bytes = body.collect(usize::try_from(limit).unwrap_or(usize::MAX)).await;
    let bytes = bytes.map_err(|e| Trouble::source("YAML_FILE_ERROR", format!("{bucket}/{key}: {e}")))?;
    String::from_utf8(bytes)
        .map_err(|_| Trouble::source("YAML_FILE_ERROR", format!("{bucket}/{key} is not text in UTF-8")))
}

/// What S3 refuses is the user's to mend; where it fails, we try again.
fn trouble(e: ApiError) -> Trouble {
    match e.kind {
        ErrorKind::Client => Trouble::source("CLIENT_ERROR", format!("{}: {}", e.code, e.message)),
        ErrorKind::Server => PerformError::new("read from S3", e).into(),
    }
}
