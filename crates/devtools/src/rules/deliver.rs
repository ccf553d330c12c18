//! Starts the targets of the rules that an event matches, in the transaction that marks it as delivered: once for each event,
//! rule and target. A target that cannot be started is logged and counted, and holds up nothing: whatever fails while one is
//! started is undone alone, but for what passes (a database that is busy), with which the whole delivery is tried again.
//!
//! Deviation: a rule starts nothing for an event of what it has started itself; AWS goes round until somebody stops it.

use std::collections::BTreeSet;

use base::{Arn, Machine};
use engine::build::Build;
use engine::pipeline::Execution;
use formats::event_input::RuleFacts;
use platform::Cx;
use platform::events::{Matched, Patterns, matching};
use serde_json::Value;
use store::events::{EventRow, Put};
use store::tables::events_target;
use store::{Tx, machine};

use crate::codebuild::{self, BuildByRule};
use crate::codepipeline::{self, PipelineByRule};

/// How many pipelines may invoke one another before nobody looks any further who has started the first.
const MOST_PARENTS: usize = 16;

/// Delivers one event to whatever targets there are for it.
pub async fn deliver(cx: &Cx, patterns: &Patterns, tx: &mut Tx, event: &EventRow) -> Result<(), store::Error> {
    let all = matching(tx, patterns, event).await?;
    if all.is_empty() {
        return Ok(());
    }
    let put = store::events::put(tx, &event.id).await?;
    let mut started = BTreeSet::new();
    for matched in all {
        let is_first = !started.contains(&matched.target_arn);
        let outcome = {
            let (cx, event, put, matched) = (cx.clone(), event.clone(), put.clone(), matched.clone());
            let start = tx.attempt(move |tx| {
                Box::pin(async move {
                    let told = Told { event: &event, put: put.as_ref(), matched: &matched };
                    start(&cx, tx, told, is_first).await
                })
            });
            start.await?.unwrap_or_else(|e| Err(causes(&e)))
        };
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

/// An event for one target.
#[derive(Clone, Copy)]
struct Told<'a> {
    event: &'a EventRow,
    /// For a custom event.
    put: Option<&'a Put>,
    matched: &'a Matched,
}

/// Gives the id of what was started, or why nothing was.
async fn start(cx: &Cx, tx: &mut Tx, told: Told<'_>, is_first: bool) -> Result<Result<String, String>, store::Error> {
    let Told { event, put, matched } = told;
    if is_of_own_start(tx, event, matched).await? {
        return Ok(Err("the event tells of what this very rule has started: it would start it for ever".to_owned()));
    }
    if let Err(full) = cx.room() {
        return Ok(Err(full.message));
    }
    let received = put.and_then(|put| put.received).unwrap_or(event.time);
    let ingestion_time = received.format("%Y-%m-%dT%H:%M:%SZ");
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
            let by = [put.map(|put| put.by.as_str()), matched.put_by.as_deref()];
            let starters = by.into_iter().flatten().map(str::to_owned).collect();
            let by = PipelineByRule { pipeline, input, rule_arn, target, is_first, starters };
            codepipeline::start_by_rule(tx, cx, event, by).await
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

/// Whether the event tells of a build or an execution that this rule has started, or of one that such an execution has.
async fn is_of_own_start(tx: &mut Tx, event: &EventRow, matched: &Matched) -> Result<bool, store::Error> {
    let text = |name: &str| event.event.detail.get(name).and_then(Value::as_str);
    let mut execution = match event.event.source.as_str() {
        "aws.codepipeline" => text("execution-id").map(str::to_owned),
        "aws.codebuild" => {
            let id = text("build-id").and_then(|arn| arn.split_once(":build/")).map(|(_, id)| id);
            let Some(id) = id else { return Ok(false) };
            let Some(build) = machine::get::<Build>(tx, id).await? else { return Ok(false) };
            if build.state.request.initiator == format!("rule/{}", matched.rule) {
                return Ok(true);
            }
            build.state.request.parent.filter(|parent| parent.kind == Execution::KIND).map(|parent| parent.id)
        }
        _ => None,
    };
    for _ in 0..MOST_PARENTS {
        let Some(id) = execution else { return Ok(false) };
        let Some(row) = machine::get::<Execution>(tx, &id).await? else { return Ok(false) };
        if row.state.trigger.kind == "CloudWatchEvent" && row.state.trigger.detail == matched.rule_arn {
            return Ok(true);
        }
        execution = row.state.parent.map(|parent| parent.execution);
    }
    Ok(false)
}

fn causes(error: &store::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
