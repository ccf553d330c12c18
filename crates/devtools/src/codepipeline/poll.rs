//! Sources that are polled: repositories elsewhere, whose git servers need not tell of pushes.
//!
//! The newest revision of each is kept, and none starts its pipeline twice, whoever tells of it first: the poll, a delivery of
//! the git server, or an execution that took it for another reason.
//!
//! Deviation: AWS polls GitHub (version 1), CodeCommit and S3, and connections tell by themselves. Here connections without a
//! trigger are polled as well, unless DetectChanges is false; CodeCommit and S3 tell by themselves.

use base::{ApiError, Scope};
use engine::pipeline::{GitHost, SourceOverride, Trigger};
use formats::pipeline::{ActionDeclaration, Provider};
use platform::Cx;
use store::Tx;
use store::tables::{codepipeline_poll, codepipeline_source};

use super::on_event::newest;
use super::start::{self, Start};

/// A source to look at.
#[derive(Clone, Debug)]
pub struct PolledSource {
    pub scope: Scope,
    pub pipeline: String,
    pub stage: String,
    pub action: String,
    pub host: GitHost,
    /// `owner/name`.
    pub repository: String,
    pub branch: String,
}

impl PolledSource {
    /// What was looked at: another repository's revision says nothing of this one's.
    fn source(&self) -> String {
        source(&self.host, &self.repository, &self.branch)
    }
}

/// All sources that are polled, of all accounts.
pub async fn polled_sources(cx: &Cx) -> Result<Vec<PolledSource>, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut found = Vec::new();
    for (scope, row) in codepipeline_source::polled(&mut tx).await? {
        let Some(declaration) = newest(&mut tx, &scope, &row.pipeline).await? else { continue };
        let Some(stage) = declaration.stages.first() else { continue };
        let Some(action) = stage.action(&row.action) else { continue };
        let Some((host, repository, branch)) = elsewhere(action) else { continue };
        found.push(PolledSource {
            scope,
            pipeline: row.pipeline,
            stage: stage.name.clone(),
            action: row.action,
            host,
            repository,
            branch,
        });
    }
    Ok(found)
}

/// Whether an action's source is one that is polled, so far as its own configuration tells.
pub(super) fn polls(action: &ActionDeclaration) -> bool {
    match action.provider() {
        Some(Provider::ConnectionSource) => action.config("DetectChanges") != Some("false"),
        Some(Provider::CodeCommitSource | Provider::GitHubSource | Provider::S3Source) => {
            action.config("PollForSourceChanges") != Some("false")
        }
        Some(
            Provider::CodeBuild
            | Provider::Commands
            | Provider::ManualApproval
            | Provider::S3Deploy
            | Provider::Worker
            | Provider::Pipeline
            | Provider::Call,
        )
        | None => false,
    }
}

fn elsewhere(action: &ActionDeclaration) -> Option<(GitHost, String, String)> {
    let config = |key: &str| action.config(key).map(str::to_owned);
    match action.provider()? {
        Provider::ConnectionSource => {
            Some((GitHost::Connection(config("ConnectionArn")?), config("FullRepositoryId")?, config("BranchName")?))
        }
        Provider::GitHubSource => {
            let repository = format!("{}/{}", config("Owner")?, config("Repo")?);
            Some((GitHost::GitHub, repository, config("Branch")?))
        }
        Provider::CodeCommitSource
        | Provider::S3Source
        | Provider::CodeBuild
        | Provider::Commands
        | Provider::ManualApproval
        | Provider::S3Deploy
        | Provider::Worker
        | Provider::Pipeline
        | Provider::Call => None,
    }
}

/// Starts the pipeline if the revision is news.
pub async fn polled(cx: &Cx, source: &PolledSource, revision: &str) -> Result<(), ApiError> {
    let (source, revision) = (source.clone(), revision.to_owned());
    let salt = start::salt(&*cx.ids);
    let write = cx.store.write(move |tx| {
        let (source, revision) = (source.clone(), revision.clone());
        let salt = salt.clone();
        Box::pin(async move { saw(tx, &source, &revision, salt).await })
    });
    write.await.map_err(ApiError::from)
}

async fn saw(tx: &mut Tx, source: &PolledSource, revision: &str, salt: String) -> Result<(), store::Error> {
    let PolledSource { scope, pipeline, action, .. } = source;
    let before = codepipeline_poll::get(tx, scope, pipeline, action).await?;
    let known = before.filter(|(of, _)| *of == source.source()).map(|(_, revision)| revision);
    if known.as_deref() == Some(revision) {
        return Ok(());
    }
    let Some(declaration) = newest(tx, scope, pipeline).await? else { return Ok(()) };
    let is_same = declaration.source_actions().find(|a| a.name == *action).and_then(elsewhere);
    if is_same != Some((source.host.clone(), source.repository.clone(), source.branch.clone())) {
        return Ok(());
    }
    codepipeline_poll::set(tx, scope, pipeline, action, (&source.source(), revision)).await?;
    // The execution that creation starts takes the first one.
    let Some(known) = known else { return Ok(()) };
    if declaration.variables.iter().any(|v| v.default_value.is_none()) {
        tracing::warn!(pipeline.name = pipeline, "a source changed, but a pipeline variable has no default value");
        return Ok(());
    }
    let arn = super::load::arn(scope, pipeline);
    let begin = Start {
        id: base::derived_uuid(&["poll", &arn, action, &known, revision, &tx.now().micros().to_string()]).to_string(),
        trigger: Trigger { kind: "PollForSourceChanges".to_owned(), detail: action.clone() },
        variables: Default::default(),
        overrides: vec![SourceOverride {
            action: action.clone(),
            kind: "COMMIT_ID".to_owned(),
            value: revision.to_owned(),
        }],
        parent: None,
        // Git servers elsewhere name no principals of ours.
        starters: Vec::new(),
        salt,
    };
    start::start(tx, scope, declaration.clone(), begin).await
}

/// Notes that an execution takes this revision of a source elsewhere.
pub async fn note_revision(
    tx: &mut Tx,
    scope: &Scope,
    (pipeline, action): (&str, &str),
    (host, repository, branch): (&GitHost, &str, &str),
    revision: &str,
) -> Result<(), store::Error> {
    codepipeline_poll::set(tx, scope, pipeline, action, (&source(host, repository, branch), revision)).await
}

/// Whether this revision of the action's source has been taken already.
pub(super) async fn is_known(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &str,
    action: &ActionDeclaration,
    revision: &str,
) -> Result<bool, store::Error> {
    let Some((host, repository, branch)) = elsewhere(action) else { return Ok(false) };
    let known = codepipeline_poll::get(tx, scope, pipeline, &action.name).await?;
    Ok(known.is_some_and(|known| known == (source(&host, &repository, &branch), revision.to_owned())))
}

/// Notes the revision of an action's source that a delivery told of.
pub(super) async fn note(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &str,
    action: &ActionDeclaration,
    revision: &str,
) -> Result<(), store::Error> {
    let Some((host, repository, branch)) = elsewhere(action) else { return Ok(()) };
    note_revision(tx, scope, (pipeline, &action.name), (&host, &repository, &branch), revision).await
}

fn source(host: &GitHost, repository: &str, branch: &str) -> String {
    match host {
        GitHost::Connection(arn) => format!("{arn} {repository} {branch}"),
        GitHost::GitHub => format!("GitHub {repository} {branch}"),
    }
}
