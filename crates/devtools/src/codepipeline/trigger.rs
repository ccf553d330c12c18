//! Changes of a repository that take a look into it before anyone can say whether they start a pipeline.
//!
//! They stand in line in the outbox under the pipeline's name and are weighed in the order in which they came, one after the
//! other: else an older commit could start after a newer one and supersede it.

use std::sync::Arc;
use std::time::Duration;

use base::{ApiError, ErrorKind, Event, Scope, Timestamp};
use formats::pipeline::PipelineDeclaration;
use git::ObjectId;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::events::EventRow;
use store::line;
use store::outbox::{self, Claimed};
use store::tables::codecommit_repository;

use super::change::{Change, What};
use super::load;
use super::on_event::{Source, begin, newest_since};
use super::start_by_rule::{Waiting, start_weighed};
use crate::codecommit;

/// The kind under which such changes wait.
pub const TRIGGER: &str = "pipeline_trigger";

/// A change that waits.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    pipeline: String,
    id: String,
    time: Timestamp,
    event: Event,
    /// The start by a rule for which it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by_rule: Option<Waiting>,
}

/// Has a change weighed.
pub(super) async fn ask(tx: &mut Tx, event: &EventRow, pipeline: &str) -> Result<(), store::Error> {
    join(tx, event, pipeline, "", None).await
}

/// Has a change weighed for which a rule starts the pipeline. `place` is where among those that ask for the same change.
pub(super) async fn ask_by_rule(
    tx: &mut Tx,
    event: &EventRow,
    pipeline: &str,
    place: &str,
    by_rule: Waiting,
) -> Result<(), store::Error> {
    join(tx, event, pipeline, place, Some(by_rule)).await
}

async fn join(
    tx: &mut Tx,
    event: &EventRow,
    pipeline: &str,
    place: &str,
    by_rule: Option<Waiting>,
) -> Result<(), store::Error> {
    let (id, told) = (event.id.clone(), event.event.clone());
    let asked = Asked { pipeline: pipeline.to_owned(), id, time: event.time, event: told, by_rule };
    let effect = serde_json::json!(asked);
    let place = format!("{:020} {}{place}", event.seq, event.id);
    line::join(tx, TRIGGER, &load::arn(&event.scope, pipeline), &event.scope, &place, &effect).await
}

/// Whether a change of this pipeline's sources waits.
pub(super) async fn is_pending(tx: &mut Tx, scope: &Scope, pipeline: &str) -> Result<bool, store::Error> {
    line::is_waiting(tx, TRIGGER, &load::arn(scope, pipeline)).await
}

/// Looks into the repository and starts the pipeline, or does not, in the transaction that takes the change out of the outbox.
pub async fn weigh_trigger(cx: &Cx, claimed: &Claimed) -> Result<(), ApiError> {
    let asked: Arc<Asked> = Arc::new(serde_json::from_value(claimed.effect.clone()).map_err(ApiError::internal)?);
    let (declaration, has_turn) = {
        let mut tx = cx.store.read().await?;
        (newest_since(&mut tx, cx.scope(), &asked.pipeline, asked.time).await?, line::has_turn(&mut tx, claimed).await?)
    };
    if !has_turn {
        let claimed = claimed.clone();
        let wait = cx.store.write(move |tx| {
            let claimed = claimed.clone();
            Box::pin(async move { line::step_aside(tx, &claimed).await })
        });
        return Ok(wait.await?);
    }
    let looked = match &declaration {
        Some(declaration) => look(cx, declaration, &asked).await?,
        None => None,
    };
    let (claimed, scope, context) = (claimed.clone(), cx.scope().clone(), cx.clone());
    let weighed = cx.store.write(move |tx| {
        let (claimed, scope, asked, looked) = (claimed.clone(), scope.clone(), asked.clone(), looked.clone());
        let cx = context.clone();
        Box::pin(async move {
            let Some(looked) = looked else {
                if let Some(waiting) = &asked.by_rule {
                    let (pipeline, execution) = (&asked.pipeline, &waiting.execution);
                    tracing::warn!(pipeline.name = %pipeline, execution.id = %execution, "a rule cannot start a pipeline: its commit is gone");
                }
                return line::finish(tx, &claimed).await;
            };
            let (Some(declaration), Some(change)) =
                (newest_since(tx, &scope, &asked.pipeline, asked.time).await?, Change::of(&asked.event))
            else {
                return line::finish(tx, &claimed).await;
            };
            if declaration.version != looked.version {
                // Other filters may ask for other files.
                return outbox::retry_later(tx, &claimed, Duration::ZERO).await;
            }
            // Before the gates are locked, as the bus does.
            line::finish(tx, &claimed).await?;
            if let Some(waiting) = &asked.by_rule {
                let commit = looked.commit.to_string();
                return start_weighed(tx, &cx, (declaration.clone(), &change), waiting, &commit).await;
            }
            let starting = change.watched_by(&declaration).chosen(&looked.starts);
            let source = Source { scope: &scope, event: &asked.id, resource: asked.event.resources.first() };
            let commit = looked.commit.to_string();
            begin(tx, &*cx.ids, &source, (declaration.clone(), &change, &starting), Some(&commit)).await
        })
    });
    Ok(weighed.await?)
}

/// What the repository says of a change.
#[derive(Clone)]
struct Looked {
    commit: ObjectId,
    /// The declaration's.
    version: Option<u32>,
    /// The source actions that start.
    starts: Vec<String>,
}

/// `None` when what was pushed is no longer there, or is no commit.
async fn look(cx: &Cx, declaration: &Arc<PipelineDeclaration>, asked: &Arc<Asked>) -> Result<Option<Looked>, ApiError> {
    let Some(change) = Change::of(&asked.event) else { return Ok(None) };
    let What::Git { commit: Some(commit), before, .. } = &change.what else { return Ok(None) };
    let row = codecommit::find_repository(&mut cx.store.read().await?, cx.scope(), change.container).await?;
    let Some(row) = row else { return Ok(None) };
    let Some(commit) = resolve(cx, &row, commit).await? else { return Ok(None) };
    let before = match before {
        Some(before) => resolve(cx, &row, before).await?,
        None => None,
    };
    let repository = codecommit::open(cx, &row).await?;
    let (declared, told) = (declaration.clone(), asked.clone());
    let starts = tokio::task::spawn_blocking(move || starts(&repository, &declared, &told.event, before, commit));
    match starts.await.map_err(ApiError::internal)? {
        Ok(starts) => Ok(Some(Looked { commit, version: declaration.version, starts })),
        Err(e) if e.is_content() => {
            tracing::warn!(error = %e, pipeline.name = asked.pipeline, "the changed files of a push cannot be read");
            Ok(None)
        }
        Err(e) => Err(ApiError::internal(e)),
    }
}

async fn resolve(cx: &Cx, row: &codecommit_repository::Row, id: &str) -> Result<Option<ObjectId>, ApiError> {
    match codecommit::resolve(cx, row, Some(id)).await {
        Ok(commit) => Ok(Some(commit)),
        Err(e) if e.kind == ErrorKind::Client => Ok(None),
        Err(e) => Err(e),
    }
}

/// The source actions that a change starts. Reads no further than it takes to tell: a push may change millions of files.
fn starts(
    repository: &git::Repository,
    declaration: &PipelineDeclaration,
    event: &Event,
    before: Option<ObjectId>,
    commit: ObjectId,
) -> Result<Vec<String>, git::Error> {
    let Some(change) = Change::of(event) else { return Ok(Vec::new()) };
    let starting = change
        .watched_by(declaration)
        .starting(|visit| repository.diff_each(before, commit, &mut |file| visit(&file.path)))?;
    Ok(starting.names())
}
