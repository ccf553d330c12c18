//! What rules make of an event: a notice for each target, written in the transaction that marks the event as delivered.

use std::borrow::Cow;
use std::sync::Arc;

use base::{Event, Scope};
use engine::pipeline::Execution;
use serde_json::{Map, Value};
use store::events::EventRow;
use store::tables::codestar_notifications_rule::{self as rules, Row};
use store::tables::codestar_notifications_target as targets;
use store::{Tx, machine};

use super::{arn, event_types, message};
use crate::notices::{self, Notice};

/// Whether there can be rules that tell an event.
pub(crate) fn concerns(event: &EventRow) -> bool {
    !event_types::of(&event.event).is_empty() && resource(event).is_some()
}

/// All rules of the resources that these events are of.
pub(crate) async fn rules_of(tx: &mut Tx, events: &[Arc<EventRow>]) -> Result<Vec<Row>, store::Error> {
    let mut by_scope: Vec<(&Scope, Vec<Cow<'_, str>>)> = Vec::new();
    for event in events.iter().filter(|event| concerns(event)) {
        let Some(resource) = resource(event) else { continue };
        match by_scope.iter_mut().find(|(scope, _)| **scope == event.scope) {
            Some((_, known)) if known.contains(&resource) => {}
            Some((_, known)) => known.push(resource),
            None => by_scope.push((&event.scope, vec![resource])),
        }
    }
    let mut found = Vec::new();
    for (scope, resources) in by_scope {
        let resources: Vec<&str> = resources.iter().map(AsRef::as_ref).collect();
        found.extend(rules::of_resources(tx, scope, &resources).await?);
    }
    Ok(found)
}

/// Those of `rules` that tell the event.
pub(crate) fn that_ask(rules: &[Row], event: &EventRow) -> Vec<Row> {
    let types = event_types::of(&event.event);
    let Some(resource) = resource(event) else { return Vec::new() };
    let asks = |rule: &&Row| {
        rule.scope == event.scope
            && rule.resource == *resource
            && rule.status == "ENABLED"
            && rule.created <= event.time
            && rule.event_types.iter().any(|id| types.contains(&id.as_str()))
    };
    rules.iter().filter(asks).cloned().collect()
}

/// Has the event told by these rules, once by each to each of its targets.
pub(crate) async fn tell(tx: &mut Tx, event: &EventRow, rules: Vec<Row>) -> Result<(), store::Error> {
    let is_full = |rule: &Row| rule.detail_type == "FULL";
    let full = if rules.iter().any(is_full) { attributes(tx, event).await? } else { Map::new() };
    for rule in rules {
        let attributes = if is_full(&rule) { full.clone() } else { Map::new() };
        let text = message::message(event, &arn::of_rule(&rule.scope, &rule.id), attributes).to_string();
        for target in targets::of_rule(tx, &rule.scope, &rule.id).await? {
            let notice = Notice::Rule {
                rule: rule.id.clone(),
                address: target.address,
                kind: target.kind,
                message: text.clone(),
            };
            notices::ask(tx, event, &rule.id, &notice).await?;
        }
    }
    Ok(())
}

async fn attributes(tx: &mut Tx, event: &EventRow) -> Result<Map<String, Value>, store::Error> {
    let id = message::execution(event).filter(|_| message::has_attributes(event));
    let Some(id) = id else { return Ok(Map::new()) };
    let state = machine::state::<Execution>(tx, id).await?;
    Ok(state.map(|state| message::attributes(event, &state)).unwrap_or_default())
}

/// The resource that rules name for an event: a build's is its project.
fn resource(event: &EventRow) -> Option<Cow<'_, str>> {
    let Event { source, resources, detail, .. } = &event.event;
    if source == "aws.codebuild" {
        let project = detail.get("project-name")?.as_str()?;
        return Some(event.scope.arn("codebuild", format!("project/{project}")).to_string().into());
    }
    Some(resources.first()?.as_str().into())
}
