//! The CodeCommit source: the tree of a commit as a zip in the artifact store, or a reference to the commit.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeCommit.html>

use std::fs::File;
use std::path::PathBuf;

use base::{ApiError, ErrorKind, Timestamp};
use devtools::{codecommit, codepipeline};
use engine::pipeline::{ActionResult, CommitOrigin, Revision, RunAction};
use git::{Commit, Identity, ObjectId, Repository};
use platform::{Cx, s3};
use store::outbox::Claimed;

use super::Trouble;
use super::blocking::blocking;
use super::clone_ref::{CloneOrigin, CloneRef};
use super::role::of_bucket;
use crate::scratch::Scratch;
use crate::{PerformError, archive};

/// Characters of a name or an address that events tell; git has no limit.
const MAX_AUTHOR: usize = 256;
/// The longest revision summary of the model.
pub(super) const MAX_SUMMARY: usize = 2048;

/// What to take.
pub(super) struct Wanted<'a> {
    pub repository: &'a str,
    pub branch: &'a str,
    pub commit: Option<&'a str>,
    pub clone_ref: bool,
}

pub(super) async fn source(
    cx: &Cx,
    claimed: &Claimed,
    run: &RunAction,
    Wanted { repository: name, branch, commit, clone_ref }: Wanted<'_>,
) -> Result<ActionResult, Trouble> {
    let row = codecommit::find_repository(&mut cx.store.read().await?, cx.scope(), name).await?;
    let row = row.ok_or_else(|| {
        Trouble::configuration(format!(
            "The action failed because no repository named {name} was found in CodeCommit. Make sure you are using the correct repository name, and then try again."
        ))
    })?;
    let head = format!("refs/heads/{branch}");
    let id = codecommit::resolve(cx, &row, Some(commit.unwrap_or(&head))).await;
    let id = id.map_err(|e| unresolved(e, name, branch, commit))?;
    let repository = codecommit::open(cx, &row).await.map_err(|e| Trouble::of("open the repository", e))?;
    let pushers = codepipeline::authors(cx, (&run.execution, &run.action), (&row, &repository), id).await;
    let pushers = pushers.map_err(|e| Trouble::of("look for those who pushed a commit", e))?;
    if clone_ref {
        let commit = blocking("read a commit", move || repository.commit(id).map_err(|e| unreadable(id, e))).await?;
        let origin = CloneOrigin::CodeCommit { repository: name.to_owned() };
        store_clone_ref(cx, run, &CloneRef::new(origin, commit.id.to_string())).await?;
        return Ok(result(cx, run, (name, branch), &commit, pushers));
    }
    let scratch = Scratch::new(cx, &claimed.key)?;
    let (file, tree) = (scratch.path().join("artifact.zip"), scratch.path().join("tree"));
    let packed = file.clone();
    let commit = blocking("zip a commit", move || zip(&repository, id, tree, packed)).await?;
    for output in &run.outputs {
        s3::put_file(cx, &output.bucket, &output.key, &file, zip_type())
            .await
            .map_err(|e| of_bucket(&output.bucket, &format!("store the artifact '{}'", output.name), e))?;
    }
    Ok(result(cx, run, (name, branch), &commit, pushers))
}

/// Stores a reference as the artifact.
pub(super) async fn store_clone_ref(cx: &Cx, run: &RunAction, reference: &CloneRef) -> Result<(), Trouble> {
    let json = s3::Describe { content_type: Some("application/json".to_owned()), ..s3::Describe::default() };
    for output in &run.outputs {
        s3::put_bytes(cx, &output.bucket, &output.key, reference.to_bytes().into(), json.clone())
            .await
            .map_err(|e| of_bucket(&output.bucket, &format!("store the artifact '{}'", output.name), e))?;
    }
    Ok(())
}

/// How artifacts are described.
pub(super) fn zip_type() -> s3::Describe {
    s3::Describe { content_type: Some("application/zip".to_owned()), ..s3::Describe::default() }
}

fn unresolved(error: ApiError, name: &str, branch: &str, commit: Option<&str>) -> Trouble {
    match (error.kind, commit) {
        (ErrorKind::Server, _) => Trouble::of("read the repository", error),
        (ErrorKind::Client, Some(id)) => Trouble::configuration(format!(
            "The action failed because the commit {id} does not exist in the CodeCommit repository {name}."
        )),
        (ErrorKind::Client, None) => Trouble::configuration(format!(
            "The action failed because no branch named {branch} was found in the selected AWS CodeCommit repository {name}. Make sure you are using the correct branch name, and then try again."
        )),
    }
}

fn unreadable(id: ObjectId, e: git::Error) -> Trouble {
    match e.is_content() {
        true => Trouble::configuration(format!("The commit {id} cannot be read: {e}")),
        false => Trouble::Ours(PerformError::new(format!("read commit {id}"), e)),
    }
}

fn zip(repository: &Repository, id: ObjectId, tree: PathBuf, file: PathBuf) -> Result<Commit, Trouble> {
    let git = |e: git::Error| unreadable(id, e);
    let pack = |e: archive::ArchiveError| Trouble::Ours(PerformError::new(format!("zip commit {id}"), e));
    let commit = repository.commit(id).map_err(git)?;
    repository.checkout(id, &tree).map_err(git)?;
    let members = archive::members(&tree).map_err(pack)?;
    let out = File::create(&file).map_err(|e| Trouble::Ours(PerformError::new("create the zip of a commit", e)))?;
    archive::pack(&members, out).map_err(pack)?;
    Ok(commit)
}

fn result(
    cx: &Cx,
    run: &RunAction,
    (name, branch): (&str, &str),
    commit: &Commit,
    pushers: Vec<String>,
) -> ActionResult {
    let id = commit.id.to_string();
    let url =
        format!("https://{}.console.aws.amazon.com/codecommit/home#/repository/{name}/commit/{id}", cx.scope().region);
    let message = commit.message.trim_end().to_owned();
    let summary = message.clone();
    let variables = [
        ("AuthorDate", date(&commit.author)),
        ("BranchName", branch.to_owned()),
        ("CommitId", id.clone()),
        ("CommitMessage", message),
        ("CommitterDate", date(&commit.committer)),
        ("RepositoryName", name.to_owned()),
    ];
    fetched(run, commit, url, &summary, &variables, ("CodeCommit", pushers))
}

/// What a source action found: a commit, at a host of the kind `provider`.
pub(super) fn fetched(
    run: &RunAction,
    commit: &Commit,
    url: String,
    summary: &str,
    variables: &[(&str, String)],
    (provider, pushers): (&str, Vec<String>),
) -> ActionResult {
    let id = commit.id.to_string();
    let summary: Option<String> = Some(summary.chars().take(MAX_SUMMARY).collect()).filter(|s: &String| !s.is_empty());
    ActionResult::Succeeded {
        external_execution_id: Some(id.clone()),
        external_execution_url: Some(url.clone()),
        summary: summary.clone(),
        output_variables: variables.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
        output_artifacts: run.outputs.clone(),
        revision: Some(Revision {
            id,
            change: None,
            summary,
            url: Some(url),
            created: Some(Timestamp::from_secs(commit.committer.seconds)),
            pushers,
            commit: Some(Box::new(CommitOrigin {
                author: commit.author.name.chars().take(MAX_AUTHOR).collect(),
                email: commit.author.email.chars().take(MAX_AUTHOR).collect(),
                provider: provider.to_owned(),
            })),
        }),
    }
}

pub(super) fn date(identity: &Identity) -> String {
    Timestamp::from_secs(identity.seconds).format("%Y-%m-%dT%H:%M:%SZ")
}
