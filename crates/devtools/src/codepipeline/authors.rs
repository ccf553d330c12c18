//! Who has made what an execution brings.
//!
//! A commit that is fetched brings all commits behind it that the pipeline has not delivered before: what counts is who pushed
//! any of them. Delivered are those behind the revision of the last execution that succeeded. Before there is one, what stood
//! behind the first revision that the pipeline fetched was there already and does not count, but that revision itself does.

use base::ApiError;
use engine::pipeline::{Ended, Execution, ExecutionState, Phase};
use git::ObjectId;
use platform::Cx;
use store::Tx;
use store::machine::{self, Position};
use store::tables::codecommit_repository::Row;
use store::tables::{codecommit_push, codepipeline_pipeline};

use super::load;

/// How many commits are looked at, those next to the revision first.
const MAX_COMMITS: usize = 1000;

/// How many executions are looked through for one that succeeded; then all commits count, as none was delivered.
const MAX_EXECUTIONS: usize = 100;

/// How many of them are read at a time.
const BATCH: u32 = 10;

/// What does not count any more.
#[derive(Debug, PartialEq, Eq)]
enum Delivered {
    /// All but the commit itself: nobody asks, or it is the first.
    AllBehind,
    /// What this revision brought.
    With(String),
    /// What stood behind this revision.
    Behind(String),
    /// Nothing, as far as is known.
    Nothing,
}

/// The principals (ARNs) who have pushed what the source action of an execution brings with this commit.
pub async fn authors(
    cx: &Cx,
    (execution, action): (&str, &str),
    (row, repository): (&Row, &git::Repository),
    commit: ObjectId,
) -> Result<Vec<String>, ApiError> {
    let delivered = delivered(&mut cx.store.read().await?, (execution, action), &row.name).await?;
    let commits = match delivered {
        Delivered::AllBehind => vec![commit],
        Delivered::With(revision) => behind(repository, commit, Some(revision)).await?,
        Delivered::Behind(revision) => {
            let mut commits = behind(repository, commit, Some(revision.clone())).await?;
            commits.extend(ObjectId::parse(&revision));
            commits
        }
        Delivered::Nothing => behind(repository, commit, None).await?,
    };
    let commits: Vec<String> = commits.iter().map(ToString::to_string).collect();
    Ok(codecommit_push::pushers(&mut cx.store.read().await?, &row.id, &commits).await?)
}

/// The commit, and those behind it that do not stand behind the revision.
async fn behind(
    repository: &git::Repository,
    commit: ObjectId,
    revision: Option<String>,
) -> Result<Vec<ObjectId>, ApiError> {
    let repository = repository.clone();
    let known: Vec<ObjectId> = revision.and_then(|text| ObjectId::parse(&text)).into_iter().collect();
    let walk = move || repository.commits_between(&[commit], &known, MAX_COMMITS);
    let walked = tokio::task::spawn_blocking(walk).await.map_err(ApiError::internal)?;
    let mut commits = walked.map_err(ApiError::internal)?;
    commits.push(commit);
    Ok(commits)
}

async fn delivered(
    tx: &mut Tx,
    (execution, action): (&str, &str),
    repository: &str,
) -> Result<Delivered, store::Error> {
    let Some(own) = machine::get::<Execution>(tx, execution).await? else { return Ok(Delivered::AllBehind) };
    if !own.state.asks_for_authors() {
        return Ok(Delivered::AllBehind);
    }
    let name = &own.state.definition.name;
    let Some(pipeline) = codepipeline_pipeline::get(tx, &own.scope, name).await? else {
        return Ok(Delivered::AllBehind);
    };
    let (mut after, mut seen, mut first): (Option<Position>, usize, _) = (None, 0, None);
    while seen < MAX_EXECUTIONS {
        let rows = machine::list::<Execution>(tx, &own.scope, Some(&own.parent), after.as_ref(), BATCH, true).await?;
        let Some(last) = rows.last() else { return Ok(first.map_or(Delivered::AllBehind, Delivered::Behind)) };
        after = Some(last.position());
        seen += rows.len();
        for row in rows {
            if !load::belongs(&row, &own.scope, &pipeline) {
                return Ok(first.map_or(Delivered::AllBehind, Delivered::Behind));
            }
            let Some(revision) = fetched(&row.state, action, repository).filter(|_| row.id != execution) else {
                continue;
            };
            if row.state.phase == Phase::Ended(Ended::Succeeded) {
                return Ok(Delivered::With(revision));
            }
            first = Some(revision);
        }
    }
    Ok(Delivered::Nothing)
}

/// What the action of an execution has fetched of the repository.
fn fetched(state: &ExecutionState, action: &str, repository: &str) -> Option<String> {
    let declared = state.definition.source_actions().find(|declared| declared.name == action)?;
    let found = state.source_revisions.iter().find(|source| source.action == action)?;
    (declared.config("RepositoryName") == Some(repository)).then(|| found.revision.id.clone())
}
