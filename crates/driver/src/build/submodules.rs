//! Submodules of our own repositories: those that are ours too come from the disk, others by HTTPS.
//!
//! Git is not left to do it: its own way to a repository on the disk would let `.gitmodules` name any folder of this
//! machine.

use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use devtools::codecommit;
use git::{Remote, Repository, Submodule};
use platform::Cx;

use super::fetch::may_pull;
use super::prepare::Trouble;
use crate::PerformError;

/// Repositories in repositories in repositories: no deeper than this.
const MAX_LEVEL: usize = 10;
/// A source has no more of them in all; they may well be one another's.
pub(super) const MAX_SUBMODULES: usize = 1000;

/// The working copy in which the submodules go.
pub(super) struct Around<'a> {
    pub repository: &'a Repository,
    pub commit: git::ObjectId,
    /// Its clone URL.
    pub location: &'a str,
    pub dir: &'a Path,
    pub depth: Option<u32>,
    /// How many more the source may have.
    pub left: &'a AtomicUsize,
}

/// Where a submodule is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// The repository of this name, in the build's account and region.
    Ours(String),
    Elsewhere(String),
}

/// Fetches the submodules and theirs. `which` says whose they are.
pub(super) fn fetch<'a>(
    cx: &'a Cx,
    around: Around<'a>,
    which: &'a str,
    level: usize,
) -> Pin<Box<dyn Future<Output = Result<(), Trouble>> + Send + 'a>> {
    Box::pin(async move {
        let found = around.repository.submodules(around.commit).await;
        let found = found.map_err(|e| match e.is_content() {
            true => Trouble::source("CLIENT_ERROR", format!("{e} (submodules of {which})")),
            false => PerformError::new("look for submodules", e).into(),
        })?;
        for submodule in found {
            let failed = |why: String| {
                let path = &submodule.path;
                Trouble::source("CLIENT_ERROR", format!("{why} for the submodule {path} of {which}"))
            };
            if level == MAX_LEVEL {
                return Err(failed(format!("more than {MAX_LEVEL} submodules in each other")));
            }
            let take_one = |left: usize| left.checked_sub(1);
            if around.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take_one).is_err() {
                return Err(failed(format!("more than {MAX_SUBMODULES} submodules")));
            }
            if submodule.url.is_empty() {
                return Err(failed("no url found in .gitmodules".to_owned()));
            }
            let url = absolute(&submodule.url, around.location);
            // The tree has it as a submodule, so each part of its path is a folder that the checkout has made.
            let dir = around.dir.join(&submodule.path);
            match place(cx, &url, around.location) {
                Place::Ours(name) => ours(cx, &around, &submodule, (&name, &url), &dir, which, level).await?,
                Place::Elsewhere(url) => {
                    let remote = Remote {
                        url,
                        version: Some(submodule.commit.to_string()),
                        depth: around.depth,
                        submodules: true,
                        login: None,
                        insecure_tls: false,
                        cache: None,
                    };
                    match remote.working_copy(&dir).await {
                        Ok(_) => {}
                        Err(git::RemoteError::Local(e)) => {
                            return Err(PerformError::new("fetch a submodule", e).into());
                        }
                        Err(e) => return Err(failed(e.to_string())),
                    }
                }
            }
            let known = submodule.register(around.dir, &url).await;
            known.map_err(|e| PerformError::new("register a submodule", e))?;
        }
        Ok(())
    })
}

async fn ours(
    cx: &Cx,
    around: &Around<'_>,
    submodule: &Submodule,
    (name, url): (&str, &str),
    dir: &Path,
    which: &str,
    level: usize,
) -> Result<(), Trouble> {
    let failed = |why: String| {
        let path = &submodule.path;
        Trouble::source("CLIENT_ERROR", format!("{why} for the submodule {path} of {which}"))
    };
    let row = {
        let mut tx = cx.store.read().await.map_err(PerformError::from)?;
        codecommit::find_repository(&mut tx, cx.scope(), name).await.map_err(PerformError::from)?
    };
    let row = row.ok_or_else(|| failed(format!("repository {name} not found")))?;
    may_pull(cx, name, &format!("the submodule {} of {which}", submodule.path)).await?;
    let repository = codecommit::open(cx, &row).await.map_err(|e| PerformError::new("open a repository", e))?;
    let commit = submodule.commit;
    match repository.working_copy(commit, dir, url, around.depth).await {
        Ok(()) => {}
        Err(git::Error::NoObject(_) | git::Error::WrongKind { .. }) => {
            return Err(failed(format!("commit {commit} not found in repository {name}")));
        }
        Err(e) if e.is_content() => return Err(failed(e.to_string())),
        Err(e) => return Err(PerformError::new("clone a submodule", e).into()),
    }
    let Around { depth, left, .. } = *around;
    let inner = Around { repository: &repository, commit, location: url, dir, depth, left };
    fetch(cx, inner, which, level + 1).await
}

/// A URL of `.gitmodules` as git reads it: one that begins with `./` or `../` counts from the repository around it.
fn absolute(url: &str, around: &str) -> String {
    let (mut base, mut rest, mut is_relative) = (around.trim_end_matches('/'), url, false);
    loop {
        if let Some(further) = rest.strip_prefix("../") {
            base = base.rsplit_once('/').map_or(base, |(base, _)| base);
            rest = further;
        } else if let Some(further) = rest.strip_prefix("./") {
            rest = further;
        } else {
            break;
        }
        is_relative = true;
    }
    if is_relative { format!("{base}/{}", rest.trim_end_matches('/')) } else { url.to_owned() }
}

fn place(cx: &Cx, url: &str, around: &str) -> Place {
    let region = cx.scope().region.as_str();
    if let Some(name) = url.strip_prefix("codecommit://").or(url.strip_prefix(&format!("codecommit::{region}://"))) {
        // A profile of whoever wrote it may stand before the name.
        return Place::Ours(name.rsplit('@').next().unwrap_or(name).to_owned());
    }
    let Some((host, name)) = url.split_once("/v1/repos/") else { return Place::Elsewhere(url.to_owned()) };
    let aws = format!("https://git-codecommit.{region}.amazonaws.com");
    let is_ours = host == aws
        || host == cx.site.endpoint.trim_end_matches('/')
        || around.split_once("/v1/repos/").is_some_and(|(around, _)| around == host);
    let name = name.trim_end_matches('/');
    let name = name.strip_suffix(".git").unwrap_or(name);
    if is_ours { Place::Ours(name.to_owned()) } else { Place::Elsewhere(url.to_owned()) }
}

#[cfg(test)]
mod tests {
    use store::Machines;

    use super::*;

    #[test]
    fn relative_urls_count_from_the_repository_around_them() {
        let around = "https://h/v1/repos/app";
        assert_eq!(absolute("../lib", around), "https://h/v1/repos/lib");
        assert_eq!(absolute("./../lib/", "https://h/v1/repos/app/"), "https://h/v1/repos/lib");
        assert_eq!(absolute("./lib", around), "https://h/v1/repos/app/lib");
        assert_eq!(absolute("https://h/x/../y", around), "https://h/x/../y");
    }

    #[tokio::test]
    async fn only_urls_of_this_server_lead_to_its_disk() {
        let test = store::testing::sqlite(Machines::new()).await;
        let cx = platform::testing::cx(&test);
        let region = cx.scope().region.as_str().to_owned();
        let endpoint = cx.site.endpoint.clone();
        let around = "https://git.example/v1/repos/app";
        for url in [
            "https://git.example/v1/repos/lib".to_owned(),
            "https://git.example/v1/repos/lib.git/".to_owned(),
            format!("{endpoint}/v1/repos/lib"),
            format!("https://git-codecommit.{region}.amazonaws.com/v1/repos/lib"),
            format!("codecommit::{region}://me@lib"),
            "codecommit://lib".to_owned(),
        ] {
            assert_eq!(place(&cx, &url, around), Place::Ours("lib".to_owned()), "{url}");
        }
        for url in ["https://other.example/v1/repos/lib", "https://github.com/a/b", "file:///etc", "/etc", "ext::sh"] {
            assert_eq!(place(&cx, url, around), Place::Elsewhere(url.to_owned()));
        }
    }
}
