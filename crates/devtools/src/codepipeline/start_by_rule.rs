//! A pipeline as the target of an event rule.
//!
//! What the target is given may have `variables` and `sourceRevisions`, as StartPipelineExecution has; nothing else of it is
//! looked at (User Guide, "Specifying source overrides with EventBridge"). Without revisions of its own a start by a change of
//! one of the pipeline's sources takes that very change.
//!
//! A change of a source starts the pipeline by itself, too (see [`on_event`](super::on_event())). Both give the execution the same
//! id, so that there is one: the first rule's, which says so in its trigger. Further rules, or targets of one rule, start
//! executions of their own, as at AWS.

use base::Ids;
use engine::pipeline::{GitEvent, SourceOverride, Trigger};
use formats::pipeline::PipelineDeclaration;
use serde::Deserialize;
use serde_json::Value;
use store::Tx;
use store::events::EventRow;

use super::change::{Change, Files, What};
use super::load;
use super::on_event::newest;
use super::start::{self, Start};
use super::start_pipeline_execution::{SourceRevisionOverride, Variable, overrides, variables};

/// What a rule starts.
#[derive(Clone, Debug)]
pub struct PipelineByRule<'a> {
    pub pipeline: &'a str,
    /// What the target is given, but for the event itself.
    pub input: Option<Value>,
    pub rule_arn: &'a str,
    /// The target's id.
    pub target: &'a str,
    /// No other target has started this pipeline for this event.
    pub is_first: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    #[serde(default)]
    variables: Vec<Variable>,
    source_revisions: Option<OneOrMany>,
}

/// The guide's examples have both.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(SourceRevisionOverride),
    Many(Vec<SourceRevisionOverride>),
}

/// Starts the pipeline; gives the execution's id, or why there is none.
pub async fn start_by_rule(
    tx: &mut Tx,
    ids: &dyn Ids,
    event: &EventRow,
    by: PipelineByRule<'_>,
) -> Result<Result<String, String>, store::Error> {
    let Some(declaration) = newest(tx, &event.scope, by.pipeline).await? else {
        return Ok(Err(format!("there is no pipeline {}", by.pipeline)));
    };
    let arn = load::arn(&event.scope, by.pipeline);
    let id = match by.is_first {
        true => base::derived_uuid(&["event", &event.id, &arn]),
        false => base::derived_uuid(&["event", &event.id, &arn, by.rule_arn, by.target]),
    };
    let trigger = Trigger { kind: "CloudWatchEvent".to_owned(), detail: by.rule_arn.to_owned() };
    // Whoever pushed what the event tells of, or put the event: this is who may not approve alone what comes of it.
    let pusher = Change::of(&event.event).and_then(|change| change.by).map(str::to_owned);
    let starters = match pusher {
        Some(pusher) => vec![pusher],
        None => store::events::put_by(tx, &event.id).await?.into_iter().collect(),
    };
    let begun = (id.to_string(), start::salt(ids), trigger);
    let begin = match begin(&declaration, event, by.input, begun) {
        Ok(begin) => Start { starters, ..begin },
        Err(why) => return Ok(Err(why)),
    };
    start::start(tx, &event.scope, declaration, begin).await?;
    Ok(Ok(id.to_string()))
}

fn begin(
    declaration: &PipelineDeclaration,
    event: &EventRow,
    input: Option<Value>,
    (id, salt, trigger): (String, String, Trigger),
) -> Result<Start, String> {
    let wrong = |e| format!("what the target is given is no variables and sourceRevisions of a pipeline: {e}");
    let given = match input {
        Some(input @ Value::Object(_)) => serde_json::from_value(input).map_err(wrong)?,
        _ => Given::default(),
    };
    let variables = variables(declaration, given.variables).map_err(|e| e.message)?;
    let overrides = match given.source_revisions {
        Some(OneOrMany::One(one)) => overrides(declaration, vec![one]).map_err(|e| e.message)?,
        Some(OneOrMany::Many(many)) => overrides(declaration, many).map_err(|e| e.message)?,
        None => of_change(declaration, event),
    };
    Ok(Start { id, trigger, variables, overrides, parent: None, starters: Vec::new(), salt })
}

/// The revisions that the event itself tells of.
fn of_change(declaration: &PipelineDeclaration, event: &EventRow) -> Vec<SourceOverride> {
    let Some(change) = Change::of(&event.event) else { return Vec::new() };
    let commit = match &change.what {
        What::Git { event: GitEvent::Branch { .. }, commit, .. } => *commit,
        // A tag may be one of a tag, which only the repository can tell.
        What::Git { event: GitEvent::Tag { .. } | GitEvent::PullRequest { .. }, .. } => return Vec::new(),
        What::Object { .. } => None,
    };
    change.overrides(&change.watched_by(declaration).told(Files::Unknown), commit)
}
