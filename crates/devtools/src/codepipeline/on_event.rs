//! Starts by source events: a push to a branch, a tag, a new object.
//!
//! A source action with a trigger is started by what the trigger's filters admit, any other by a change of the branch or
//! object that it names. What takes a look into the repository (changed files, annotated tags) is asked for in the same
//! transaction and done by [`weigh_trigger`](super::weigh_trigger).
//!
//! Deviation: AWS starts a pipeline on an event only through an EventBridge rule of the user's, and otherwise polls.
//! Here the event itself starts every pipeline whose source action watches the branch or object; the trigger says
//! PollForSourceChanges when the action asks for polling (the default), else CloudWatchEvent. Nothing is polled. When a user's
//! rule starts the pipeline for the same event, that execution is the one: see [`start_by_rule`](super::start_by_rule()).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::{Ids, Scope, Timestamp};
use engine::pipeline::GitEvent;
use formats::pipeline::PipelineDeclaration;
use store::Tx;
use store::events::EventRow;
use store::tables::{codepipeline_declaration, codepipeline_pipeline, codepipeline_source};

use super::change::{Change, Files, Starting, What};
use super::start::{self, Start};
use super::{poll, trigger};

/// Starts the pipelines whose sources this event changes. An event that comes twice starts each of them once; one that comes late
/// does not start what was made after it: the execution that creation starts has that change already.
pub async fn on_event(tx: &mut Tx, ids: &dyn Ids, event: &EventRow) -> Result<(), store::Error> {
    let Some(change) = Change::of(&event.event) else { return Ok(()) };
    let watching =
        codepipeline_source::watching(tx, &event.scope, change.provider, change.container, change.item()).await?;
    let pipelines: BTreeSet<String> = watching.into_iter().map(|row| row.pipeline).collect();
    for pipeline in &pipelines {
        let Some(declaration) = newest_since(tx, &event.scope, pipeline, event.time).await? else { continue };
        let watch = change.watched_by(&declaration);
        if watch.is_empty() {
            continue;
        }
        let (commit, files, is_tag) = match &change.what {
            What::Git { commit, files, event, .. } => (*commit, *files, matches!(event, GitEvent::Tag { .. })),
            What::Object { .. } => (None, Files::Unknown, false),
        };
        // What came before may still be looked at: this must not overtake it.
        if matches!(files, Files::InRepository)
            && (is_tag || watch.asks_for_files() || trigger::is_pending(tx, &event.scope, pipeline).await?)
        {
            trigger::ask(tx, event, pipeline).await?;
            continue;
        }
        let mut starting = watch.told(files);
        if let (Some(commit), true) = (commit, change.connection.is_some()) {
            // The poll may have been first.
            let mut news = Vec::new();
            for action in std::mem::take(&mut starting.plain) {
                if !poll::is_known(tx, &event.scope, pipeline, action, commit).await? {
                    poll::note(tx, &event.scope, pipeline, action, commit).await?;
                    news.push(action);
                }
            }
            starting.plain = news;
        }
        let source = Source { scope: &event.scope, event: &event.id, resource: event.event.resources.first() };
        begin(tx, ids, &source, (declaration.clone(), &change, &starting), commit).await?;
    }
    Ok(())
}

/// Where a change was told of.
pub(super) struct Source<'a> {
    pub scope: &'a Scope,
    /// The event's id.
    pub event: &'a str,
    pub resource: Option<&'a String>,
}

/// Starts an execution for a change, once.
pub(super) async fn begin(
    tx: &mut Tx,
    ids: &dyn Ids,
    source: &Source<'_>,
    (declaration, change, starting): (Arc<PipelineDeclaration>, &Change<'_>, &Starting<'_>),
    commit: Option<&str>,
) -> Result<(), store::Error> {
    if starting.is_empty() {
        return Ok(());
    }
    if declaration.variables.iter().any(|v| v.default_value.is_none()) {
        tracing::warn!(
            pipeline.name = declaration.name,
            "a source changed, but a pipeline variable has no default value"
        );
        return Ok(());
    }
    let arn = super::load::arn(source.scope, &declaration.name);
    let begin = Start {
        id: base::derived_uuid(&["event", source.event, &arn]).to_string(),
        trigger: change.trigger(starting, commit, source.resource),
        variables: BTreeMap::new(),
        overrides: change.overrides(starting, commit),
        parent: None,
        starters: change.by.iter().map(|by| (*by).to_owned()).collect(),
        salt: start::salt(ids),
    };
    start::start(tx, source.scope, declaration, begin).await
}

pub(super) async fn newest(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &str,
) -> Result<Option<Arc<PipelineDeclaration>>, store::Error> {
    let Some(row) = codepipeline_pipeline::get(tx, scope, pipeline).await? else { return Ok(None) };
    codepipeline_declaration::get(tx, scope, pipeline, row.version).await
}

/// The newest declaration of a pipeline; none when it was deleted, or made (anew) after this time.
pub(super) async fn newest_since(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &str,
    time: Timestamp,
) -> Result<Option<Arc<PipelineDeclaration>>, store::Error> {
    let Some(row) = codepipeline_pipeline::get(tx, scope, pipeline).await? else { return Ok(None) };
    if row.created > time {
        tracing::info!(
            pipeline.name = pipeline,
            "a source changed before its pipeline was made, and does not start it"
        );
        return Ok(None);
    }
    codepipeline_declaration::get(tx, scope, pipeline, row.version).await
}
