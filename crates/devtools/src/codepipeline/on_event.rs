//! Starts by source events: a push to a branch, a new object.
//!
//! Deviation: AWS starts a pipeline on an event only through an EventBridge rule of the user's, and otherwise polls.
//! Here the event itself starts every pipeline whose source action watches the branch or object; the trigger says
//! PollForSourceChanges when the action asks for polling (the default), else CloudWatchEvent. Nothing is polled.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Scope;
use engine::pipeline::{SourceOverride, Trigger};
use formats::pipeline::PipelineDeclaration;
use serde_json::Value;
use store::Tx;
use store::events::EventRow;
use store::tables::codepipeline_source::{self, Row};
use store::tables::{codepipeline_declaration, codepipeline_pipeline};

use super::start::{Start, start};

/// What an event says about a source.
struct Change<'a> {
    provider: &'static str,
    container: &'a str,
    item: &'a str,
    /// The exact revision, as an override of the model's kind.
    revision: Option<(&'static str, &'a str)>,
}

/// Starts the pipelines whose sources this event changes. An event that comes twice starts each of them once.
pub async fn on_event(tx: &mut Tx, event: &EventRow) -> Result<(), store::Error> {
    let Some(change) = change(event) else { return Ok(()) };
    let watching =
        codepipeline_source::watching(tx, &event.scope, change.provider, change.container, change.item).await?;
    let mut pipelines: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &watching {
        pipelines.entry(&row.pipeline).or_default().push(row);
    }
    for (pipeline, actions) in pipelines {
        let Some(declaration) = newest(tx, &event.scope, pipeline).await? else { continue };
        let arn = super::load::arn(&event.scope, pipeline);
        let begin = Start {
            id: base::derived_uuid(&["event", &event.id, &arn]).to_string(),
            trigger: trigger(event, &actions),
            variables: BTreeMap::new(),
            overrides: overrides(&change, &actions),
        };
        if declaration.variables.iter().any(|v| v.default_value.is_none()) {
            tracing::warn!(pipeline.name = pipeline, "a source changed, but a pipeline variable has no default value");
            continue;
        }
        start(tx, &event.scope, declaration, begin).await?;
    }
    Ok(())
}

fn change(event: &EventRow) -> Option<Change<'_>> {
    let detail = &event.event.detail;
    let text = |path: &str| detail.pointer(path).and_then(Value::as_str);
    match event.event.detail_type.as_str() {
        "CodeCommit Repository State Change" if event.event.source == "aws.codecommit" => {
            let written = matches!(text("/event"), Some("referenceCreated" | "referenceUpdated"));
            (written && text("/referenceType") == Some("branch")).then_some(())?;
            Some(Change {
                provider: "CodeCommit",
                container: text("/repositoryName")?,
                item: text("/referenceName")?,
                revision: text("/commitId").map(|id| ("COMMIT_ID", id)),
            })
        }
        "Object Created" if event.event.source == "aws.s3" => Some(Change {
            provider: "S3",
            container: text("/bucket/name")?,
            item: text("/object/key")?,
            revision: text("/object/version-id").map(|id| ("S3_OBJECT_VERSION_ID", id)),
        }),
        _ => None,
    }
}

fn trigger(event: &EventRow, actions: &[&Row]) -> Trigger {
    match actions.iter().find(|a| a.polls) {
        Some(action) => Trigger { kind: "PollForSourceChanges".to_owned(), detail: action.action.clone() },
        None => {
            let detail = event.event.resources.first().cloned().unwrap_or_default();
            Trigger { kind: "CloudWatchEvent".to_owned(), detail }
        }
    }
}

fn overrides(change: &Change<'_>, actions: &[&Row]) -> Vec<SourceOverride> {
    let Some((kind, value)) = change.revision else { return Vec::new() };
    let of = |row: &&Row| SourceOverride { action: row.action.clone(), kind: kind.to_owned(), value: value.to_owned() };
    actions.iter().map(of).collect()
}

async fn newest(tx: &mut Tx, scope: &Scope, pipeline: &str) -> Result<Option<Arc<PipelineDeclaration>>, store::Error> {
    let Some(row) = codepipeline_pipeline::get(tx, scope, pipeline).await? else { return Ok(None) };
    codepipeline_declaration::get(tx, scope, pipeline, row.version).await
}
