//! Sources elsewhere: a repository behind a connection, or one of GitHub with a token of the action's own.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodestarConnectionSource.html>
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/appendix-github-oauth.html>

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use base::{ApiError, ErrorKind};
use devtools::codeconnections::remote_repository;
use devtools::codepipeline::{action_secret, note_revision};
use engine::pipeline::{ActionResult, GitHost, RunAction};
use git::{Commit, Login, Remote, RemoteError};
use platform::{Cx, s3};
use serde_json::json;
use store::outbox::Claimed;

use super::Trouble;
use super::blocking::blocking;
use super::clone_ref::{CloneOrigin, CloneRef};
use super::codecommit::{date, fetched, store_clone_ref, zip_type};
use super::role::of_bucket;
use crate::scratch::Scratch;
use crate::{PerformError, archive};

/// A commit's message in it is cut before that.
const MAX_MESSAGE: usize = 1500;

/// What to fetch.
pub(super) struct Wanted<'a> {
    pub host: &'a GitHost,
    /// `owner/name`.
    pub repository: &'a str,
    pub branch: &'a str,
    pub commit: Option<&'a str>,
    pub clone_ref: bool,
}

pub(super) async fn source(
    // The connection's secret is the connection's: the role that may use it need not be able to read it.
    (cx, acting): (&Cx, &Cx),
    claimed: &Claimed,
    run: &RunAction,
    wanted: Wanted<'_>,
) -> Result<ActionResult, Trouble> {
    let scratch = Scratch::new(cx, &claimed.key)?;
    let tree = scratch.path().join("tree");
    let place = place_of(cx, (&run.pipeline, &run.stage, &run.action), wanted.host, wanted.repository).await?;
    let commit = fetch(&place, wanted.branch, wanted.commit, &tree).await?;
    if wanted.commit.is_none() {
        note(cx, run, &wanted, &commit.id.to_string()).await?;
    }
    if let (true, GitHost::Connection(arn)) = (wanted.clone_ref, wanted.host) {
        let origin =
            CloneOrigin::Connection { connection_arn: arn.clone(), full_repository_id: wanted.repository.to_owned() };
        store_clone_ref(acting, run, &CloneRef::new(origin, commit.id.to_string())).await?;
    } else {
        let file = scratch.path().join("artifact.zip");
        let packed = file.clone();
        blocking("zip a commit", move || zip(&tree, packed)).await?;
        for output in &run.outputs {
            s3::put_file(acting, &output.bucket, &output.key, &file, zip_type())
                .await
                .map_err(|e| of_bucket(&output.bucket, &format!("store the artifact '{}'", output.name), e))?;
        }
    }
    Ok(result(cx, run, &wanted, place.provider, &commit))
}

/// What this execution takes need not start another one.
async fn note(cx: &Cx, run: &RunAction, wanted: &Wanted<'_>, revision: &str) -> Result<(), PerformError> {
    let (scope, revision) = (cx.scope().clone(), revision.to_owned());
    let (pipeline, action) = (run.pipeline.clone(), run.action.clone());
    let (host, repository, branch) = (wanted.host.clone(), wanted.repository.to_owned(), wanted.branch.to_owned());
    let note = cx.store.write(move |tx| {
        let (scope, revision, pipeline, action) = (scope.clone(), revision.clone(), pipeline.clone(), action.clone());
        let (host, repository, branch) = (host.clone(), repository.clone(), branch.clone());
        Box::pin(async move {
            note_revision(tx, &scope, (&pipeline, &action), (&host, &repository, &branch), &revision).await
        })
    });
    Ok(note.await?)
}

/// A repository and what is shown to get it.
pub(crate) struct Place {
    /// The model's `ProviderType`.
    provider: &'static str,
    url: String,
    login: Option<Login>,
}

/// Where the repository of an action (pipeline, stage, name) is.
pub(super) async fn place_of(
    cx: &Cx,
    (pipeline, stage, action): (&str, &str, &str),
    host: &GitHost,
    repository: &str,
) -> Result<Place, Trouble> {
    match host {
        GitHost::Connection(arn) => of_connection(cx, arn, repository)
            .await
            .map_err(|e| unusable(e, &format!("The connection {arn} cannot be used for {repository}"))),
        GitHost::GitHub => {
            let token = action_secret(cx, pipeline, stage, action, "OAuthToken").await;
            let token = token.map_err(|e| Trouble::of("read the action's OAuthToken", e))?;
            let token = token.ok_or_else(|| Trouble::configuration("The action has no OAuthToken."))?;
            Ok(Place {
                provider: "GitHub",
                url: format!("https://github.com/{repository}.git"),
                login: Some(Login { user: "x-access-token".to_owned(), password: token.expose().clone() }),
            })
        }
    }
}

/// The repository behind a connection.
pub(crate) async fn of_connection(cx: &Cx, arn: &str, repository: &str) -> Result<Place, ApiError> {
    let found = remote_repository(cx, arn, repository).await?;
    let login = found.login.map(|login| Login { user: login.user, password: login.token.expose().clone() });
    Ok(Place { provider: found.provider.as_str(), url: found.url, login })
}

fn unusable(error: ApiError, what: &str) -> Trouble {
    match error.kind {
        ErrorKind::Client => Trouble::configuration(format!("{what}: {}", error.message)),
        ErrorKind::Server => Trouble::Ours(PerformError::new("read a connection", error)),
    }
}

impl Place {
    /// What is fetched: all of it, or with `depth` the newest commits alone.
    pub fn remote(&self, version: &str, depth: Option<u32>) -> Remote {
        Remote {
            url: self.url.clone(),
            version: Some(version.to_owned()),
            depth,
            submodules: false,
            login: self.login.clone(),
            insecure_tls: false,
            cache: None,
        }
    }

    /// What went wrong, in words for the user; the machine's own trouble stays ours.
    pub fn trouble(&self, error: RemoteError) -> Trouble {
        let url = &self.url;
        match error {
            RemoteError::Local(e) => Trouble::Ours(PerformError::new("fetch a source", e)),
            RemoteError::NeedsLogin => Trouble::configuration(format!("{url} does not take the login that there is.")),
            RemoteError::NoRepository => {
                Trouble::configuration(format!("There is no repository {url}, or not for the login that there is."))
            }
            RemoteError::NoVersion(version) => Trouble::configuration(format!("{url} has no {version}.")),
            e @ (RemoteError::BadUrl(_) | RemoteError::Refused(_)) => Trouble::configuration(format!("{url}: {e}")),
        }
    }
}

async fn fetch(place: &Place, branch: &str, commit: Option<&str>, tree: &Path) -> Result<Commit, Trouble> {
    let version = match commit {
        Some(commit) => commit.to_owned(),
        None if branch.starts_with("refs/") => branch.to_owned(),
        None => format!("refs/heads/{branch}"),
    };
    let fetched = match place.remote(&version, Some(1)).working_copy(tree).await {
        // Some servers cannot give a part of the history.
        Err(RemoteError::Refused(_)) => {
            let again = tree.to_owned();
            blocking("clear a folder", move || {
                fs::remove_dir_all(again).map_err(|e| Trouble::Ours(PerformError::new("clear a folder", e)))
            })
            .await?;
            place.remote(&version, None).working_copy(tree).await
        }
        other => other,
    };
    let id = fetched.map_err(|e| place.trouble(e))?;
    let tree = tree.to_owned();
    blocking("read a commit", move || {
        git::commit_of_working_copy(&tree, &id).map_err(|e| Trouble::Ours(PerformError::new("read a commit", e)))
    })
    .await
}

fn zip(tree: &Path, file: PathBuf) -> Result<(), Trouble> {
    let pack = |e: archive::ArchiveError| Trouble::Ours(PerformError::new("zip a commit", e));
    fs::remove_dir_all(tree.join(".git")).map_err(|e| Trouble::Ours(PerformError::new("take the history away", e)))?;
    let members = archive::members(tree).map_err(pack)?;
    let out = File::create(&file).map_err(|e| Trouble::Ours(PerformError::new("create the zip of a commit", e)))?;
    archive::pack(&members, out).map_err(pack)?;
    Ok(())
}

fn result(cx: &Cx, run: &RunAction, wanted: &Wanted<'_>, provider: &str, commit: &Commit) -> ActionResult {
    let id = commit.id.to_string();
    let repository = wanted.repository;
    let message = commit.message.trim_end().to_owned();
    let mut variables = vec![
        ("AuthorDate", date(&commit.author)),
        ("BranchName", wanted.branch.to_owned()),
        ("CommitId", id.clone()),
        ("CommitMessage", message.clone()),
    ];
    let (url, summary) = match wanted.host {
        GitHost::Connection(arn) => {
            variables.push(("ConnectionArn", arn.clone()));
            variables.push(("FullRepositoryName", repository.to_owned()));
            let cut: String = message.chars().take(MAX_MESSAGE).collect();
            let summary = json!({"ProviderType": provider, "CommitMessage": cut}).to_string();
            let url = format!(
                "https://{0}.console.aws.amazon.com/codesuite/settings/connections/redirect?connectionArn={arn}\
                 &referenceType=COMMIT&FullRepositoryId={repository}&Commit={id}",
                cx.scope().region
            );
            (url, summary)
        }
        GitHost::GitHub => {
            let url = format!("https://github.com/{repository}/commit/{id}");
            variables.push(("CommitUrl", url.clone()));
            variables.push(("CommitterDate", date(&commit.committer)));
            variables.push(("RepositoryName", repository.split_once('/').map_or(repository, |(_, n)| n).to_owned()));
            (url, message)
        }
    };
    fetched(run, commit, url, &summary, &variables, (provider, Vec::new()))
}
