//! Starts the targets of the rules that an event matches, in the transaction that marks it as delivered: once for each event,
//! rule and target. A target that cannot be started is logged and counted, and holds up nothing.

use std::collections::BTreeSet;

use base::Arn;
use formats::event_input::RuleFacts;
use platform::Cx;
use platform::events::{Matched, matching};
use store::Tx;
use store::events::EventRow;
use store::tables::events_target;

use crate::codebuild::{self, BuildByRule};
use crate::codepipeline::{self, PipelineByRule};

/// Delivers one event to whatever targets there are for it.
pub async fn deliver(cx: &Cx, tx: &mut Tx, event: &EventRow) -> Result<(), store::Error> {
    let mut started = BTreeSet::new();
    for matched in matching(tx, event).await? {
        let is_first = !started.contains(&matched.target_arn);
        let outcome = start(cx, tx, event, &matched, is_first).await?;
        events_target::count(tx, &event.scope, &matched.rule, &matched.target, outcome.is_ok()).await?;
        let Matched { rule, target, target_arn, .. } = &matched;
        match outcome {
            Ok(id) => {
                tracing::info!(rule.name = %rule, target.id = %target, event.id = %event.id, id, "a rule has started {target_arn}");
                started.insert(matched.target_arn);
            }
            Err(why) => {
                tracing::warn!(rule.name = %rule, target.id = %target, event.id = %event.id, why, "a rule cannot start {target_arn}");
            }
        }
    }
    Ok(())
}

/// Gives the id of what was started, or why nothing was.
async fn start(
    cx: &Cx,
    tx: &mut Tx,
    event: &EventRow,
    matched: &Matched,
    is_first: bool,
) -> Result<Result<String, String>, store::Error> {
    let ingestion_time = event.time.format("%Y-%m-%dT%H:%M:%SZ");
    let facts = RuleFacts { arn: &matched.rule_arn, name: &matched.rule, ingestion_time: &ingestion_time };
    let input = match matched.input.made_of(&matched.envelope, facts) {
        Ok(input) => input,
        Err(why) => return Ok(Err(why)),
    };
    let arn = Arn::parse(&matched.target_arn);
    let target = arn.as_ref().map(|arn| (arn.service.as_str(), arn.resource.as_str()));
    match target {
        Some(("codepipeline", pipeline)) => {
            let (rule_arn, target) = (matched.rule_arn.as_str(), matched.target.as_str());
            let by = PipelineByRule { pipeline, input, rule_arn, target, is_first };
            codepipeline::start_by_rule(tx, &*cx.ids, event, by).await
        }
        Some(("codebuild", resource)) => {
            let project = resource.strip_prefix("project/").unwrap_or(resource);
            let parts = ["event", &event.id, &matched.target_arn, &matched.rule_arn, &matched.target];
            let uuid = base::derived_uuid(&parts).to_string();
            let by = BuildByRule { project, input, uuid, rule: &matched.rule };
            codebuild::start_by_rule(tx, &cx.as_service("events", &event.scope), by).await
        }
        _ => Ok(Err("Headworks has no target of this kind yet".to_owned())),
    }
}
