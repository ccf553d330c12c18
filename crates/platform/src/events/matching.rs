//! Which targets an event is for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use formats::event_pattern::{EventPattern, EventPatternError};
use serde_json::Value;
use store::Tx;
use store::events::EventRow;
use store::tables::{events_rule, events_target};

use super::rule;
use super::schedule::ENABLED;
use super::target::{Target, TargetInput};

/// More than a rule can have.
const TARGETS: u32 = 100;

/// More than the rules of a few accounts have.
const KEPT: usize = 2_000;

/// Patterns that were read, by their texts: a rule's pattern is asked of every event.
#[derive(Clone, Debug, Default)]
pub struct Patterns(Arc<Mutex<HashMap<String, Arc<EventPattern>>>>);

impl Patterns {
    fn of(&self, text: &str) -> Result<Arc<EventPattern>, EventPatternError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pattern) = kept.get(text) {
            return Ok(pattern.clone());
        }
        let pattern = Arc::new(EventPattern::parse(text)?);
        if kept.len() >= KEPT {
            // Rules that are gone leave theirs behind.
            kept.clear();
        }
        kept.insert(text.to_owned(), pattern.clone());
        Ok(pattern)
    }
}

/// One target of one rule that an event matches.
#[derive(Clone, Debug)]
pub struct Matched {
    pub rule: String,
    pub rule_arn: String,
    pub target: String,
    pub target_arn: String,
    pub input: TargetInput,
    /// Who has put the target (an ARN).
    pub put_by: Option<String>,
    /// The event in its envelope.
    pub envelope: Arc<Value>,
}

/// The targets of the event, in the order of rules and targets. A scheduled event is for its own rule alone.
pub async fn matching(tx: &mut Tx, patterns: &Patterns, event: &EventRow) -> Result<Vec<Matched>, store::Error> {
    let scope = &event.scope;
    let (rules, envelope) = if event.event.source == "aws.events" && event.event.detail_type == "Scheduled Event" {
        let start = rule::arn(scope, "");
        let name = event.event.resources.first().and_then(|arn| arn.strip_prefix(&start));
        let Some(name) = name else { return Ok(Vec::new()) };
        let row = events_rule::get(tx, scope, name).await?;
        (row.into_iter().filter(|row| row.state == ENABLED && row.schedule.is_some()).collect(), event.envelope())
    } else {
        let rules = events_rule::with_patterns(tx, scope).await?;
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        let envelope = event.envelope();
        (rules.into_iter().filter(|rule| matches(patterns, rule, &envelope)).collect::<Vec<_>>(), envelope)
    };
    let envelope = Arc::new(envelope);
    let mut matched = Vec::new();
    for rule in rules {
        for row in events_target::of_rule(tx, scope, &rule.name, "", TARGETS).await? {
            let read = serde_json::from_value::<Target>(row.definition).map_err(|e| e.to_string());
            let input = match read.and_then(|target| TargetInput::of(&target)) {
                Ok(input) => input,
                Err(why) => {
                    tracing::error!(why, rule.name, target.id = row.id, "a target cannot be read, and is not started");
                    continue;
                }
            };
            matched.push(Matched {
                rule: rule.name.clone(),
                rule_arn: rule::arn(scope, &rule.name),
                target: row.id,
                target_arn: row.arn,
                input,
                put_by: row.put_by,
                envelope: envelope.clone(),
            });
        }
    }
    Ok(matched)
}

fn matches(patterns: &Patterns, rule: &events_rule::Row, envelope: &Value) -> bool {
    let Some(text) = &rule.pattern else { return false };
    let pattern = match patterns.of(text) {
        Ok(pattern) => pattern,
        Err(e) => {
            // It was read before it was stored: by another version of this program.
            tracing::error!(error = %e, rule.name, "a rule's pattern cannot be read, and matches nothing");
            return false;
        }
    };
    pattern.matches(envelope).unwrap_or_else(|e| {
        tracing::warn!(error = %e, rule.name, event.id = %envelope["id"], "a rule is not asked: its pattern costs too much");
        false
    })
}
