//! What rules make of an event: a notice for each target, written in the transaction that marks the event as delivered.

use std::borrow::Cow;

use base::Event;
use engine::pipeline::Execution;
use serde_json::{Map, Value};
use store::events::EventRow;
use store::tables::codestar_notifications_rule as rules;
use store::tables::codestar_notifications_target as targets;
use store::{Tx, machine};

use super::{arn, event_types, message};
use crate::notices::{self, Notice};

/// Has the event told by the rules that ask for it, once by each to each of its targets.
pub async fn on_event(tx: &mut Tx, event: &EventRow) -> Result<(), store::Error> {
    let types = event_types::of(&event.event);
    let Some(resource) = (if types.is_empty() { None } else { resource(event) }) else { return Ok(()) };
    let rules = rules::of_resource(tx, &event.scope, &resource).await?;
    let asks = |rule: &rules::Row| {
        rule.status == "ENABLED"
            && rule.created <= event.time
            && rule.event_types.iter().any(|id| types.contains(&id.as_str()))
    };
    for rule in rules.into_iter().filter(asks) {
        let attributes = if rule.detail_type == "FULL" { attributes(tx, event).await? } else { Map::new() };
        let text = message::message(event, &arn::of_rule(&rule.scope, &rule.id), attributes).to_string();
        for target in targets::of_rule(tx, &rule.scope, &rule.id).await? {
            let notice = Notice::Rule {
                rule: rule.id.clone(),
                name: rule.name.clone(),
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
    let Some(id) = message::execution(event) else { return Ok(Map::new()) };
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
