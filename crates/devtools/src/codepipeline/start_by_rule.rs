//! A pipeline as the target of an event rule.
//!
//! What the target is given may have `variables` and `sourceRevisions`, as StartPipelineExecution has; nothing else of it is
//! looked at (User Guide, "Specifying source overrides with EventBridge"). Without revisions of its own a start by a change of
//! one of the pipeline's sources takes that very change.
//!
//! A change of a source starts the pipeline by itself, too (see [`on_event`](super::on_event())). Both give the execution the same
//! id, so that there is one: the first rule's, which says so in its trigger. Further rules, or targets of one rule, start
//! executions of their own, as at AWS.
//!
//! A change that takes a look into the repository first (an annotated tag), or that stands behind one that does, waits in the
//! same line as the trigger's: see [`weigh_trigger`](super::weigh_trigger()). The execution takes the commit that is found there.
//! What a poll has started already is not started again.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::Scope;
use engine::pipeline::{Execution, GitEvent, SourceOverride, Trigger};
use formats::pipeline::PipelineDeclaration;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::events::EventRow;
use store::{Tx, machine};

use super::change::{Change, Files, Starting, What};
use super::on_event::newest;
use super::start::{self, Start};
use super::start_pipeline_execution::{SourceRevisionOverride, Variable, overrides, variables, within_limit};
use super::{load, poll, trigger};

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
    /// Who has put the event and who the target (ARNs); who pushed is in the event.
    pub starters: Vec<String>,
}

/// A start by a rule that waits until its change was looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// The execution's id.
    pub execution: String,
    rule_arn: String,
    input: Option<Value>,
    starters: Vec<String>,
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

/// What is given, as the pipeline takes it.
struct Settled {
    variables: BTreeMap<String, String>,
    /// None when nothing is said of them.
    overrides: Option<Vec<SourceOverride>>,
    is_plain: bool,
}

/// Starts the pipeline; gives the execution's id, or why there is none.
pub async fn start_by_rule(
    tx: &mut Tx,
    cx: &Cx,
    event: &EventRow,
    by: PipelineByRule<'_>,
) -> Result<Result<String, String>, store::Error> {
    let scope = &event.scope;
    let Some(declaration) = newest(tx, scope, by.pipeline).await? else {
        return Ok(Err(format!("there is no pipeline {}", by.pipeline)));
    };
    let arn = load::arn(scope, by.pipeline);
    let execution = match by.is_first {
        true => base::derived_uuid(&["event", &event.id, &arn]),
        false => base::derived_uuid(&["event", &event.id, &arn, by.rule_arn, by.target]),
    };
    let execution = execution.to_string();
    if machine::get::<Execution>(tx, &execution).await?.is_some() {
        return Ok(Ok(execution));
    }
    let settled = match settle(&declaration, by.input.clone()) {
        Ok(settled) => settled,
        Err(why) => return Ok(Err(why)),
    };
    let change = Change::of(&event.event);
    // Whoever pushed what the event tells of, or put the event or the target: who may not approve alone what comes of it.
    let pusher = change.as_ref().and_then(|change| change.by).map(str::to_owned);
    let mut starters: Vec<String> = Vec::new();
    for one in pusher.into_iter().chain(by.starters) {
        if !starters.contains(&one) {
            starters.push(one);
        }
    }
    let waiting = Waiting { execution: execution.clone(), rule_arn: by.rule_arn.to_owned(), input: by.input, starters };
    let watched = change.as_ref().map(|change| (change, change.watched_by(&declaration)));
    let Some((change, watch)) = watched.filter(|(_, watch)| !watch.is_empty()) else {
        return begin(tx, cx, scope, (declaration.clone(), &settled), waiting, Vec::new()).await;
    };
    let commit = match &change.what {
        What::Git { files: Files::InRepository, event: git, commit, .. } => {
            // What came before may still be looked at: this must not overtake it.
            if matches!(git, GitEvent::Tag { .. }) || trigger::is_pending(tx, scope, by.pipeline).await? {
                let place = if by.is_first { String::new() } else { format!(" {} {}", by.rule_arn, by.target) };
                trigger::ask_by_rule(tx, event, by.pipeline, &place, waiting).await?;
                return Ok(Ok(execution));
            }
            *commit
        }
        What::Git { commit, .. } => *commit,
        What::Object { .. } => None,
    };
    let starting = watch.told(Files::Unknown);
    if let (Some(commit), true, true) = (commit, change.connection.is_some(), by.is_first) {
        let is_known = is_known(tx, scope, by.pipeline, &starting, commit).await?;
        if is_known && settled.is_plain {
            return Ok(Ok(format!("that of {commit}, which runs already")));
        }
    }
    let overrides = change.overrides(&starting, commit);
    begin(tx, cx, scope, (declaration.clone(), &settled), waiting, overrides).await
}

/// Starts what has waited, now that the commit is known.
pub(super) async fn start_weighed(
    tx: &mut Tx,
    cx: &Cx,
    (declaration, change): (Arc<PipelineDeclaration>, &Change<'_>),
    waiting: &Waiting,
    commit: &str,
) -> Result<(), store::Error> {
    let starting = change.watched_by(&declaration).told(Files::Unknown);
    let overrides = change.overrides(&starting, Some(commit));
    let outcome = match settle(&declaration, waiting.input.clone()) {
        Ok(settled) => {
            let of = (declaration.clone(), &settled);
            begin(tx, cx, cx.scope(), of, waiting.clone(), overrides).await?
        }
        Err(why) => Err(why),
    };
    if let Err(why) = outcome {
        tracing::warn!(
            pipeline.name = declaration.name,
            rule.arn = waiting.rule_arn,
            why,
            "a rule cannot start a pipeline"
        );
    }
    Ok(())
}

/// Whether all that watches the commit has taken it already; else it has now, so that a poll does not find it new.
async fn is_known(
    tx: &mut Tx,
    scope: &Scope,
    pipeline: &str,
    starting: &Starting<'_>,
    commit: &str,
) -> Result<bool, store::Error> {
    let mut is_known = starting.names().is_empty();
    for action in &starting.plain {
        if !poll::is_known(tx, scope, pipeline, action, commit).await? {
            poll::note(tx, scope, pipeline, action, commit).await?;
            is_known = false;
        }
    }
    Ok(is_known)
}

fn settle(declaration: &PipelineDeclaration, input: Option<Value>) -> Result<Settled, String> {
    let wrong = |e| format!("what the target is given is no variables and sourceRevisions of a pipeline: {e}");
    let given: Given = match input {
        Some(input @ Value::Object(_)) => serde_json::from_value(input).map_err(wrong)?,
        _ => Given::default(),
    };
    let is_plain = given.variables.is_empty() && given.source_revisions.is_none();
    let variables = variables(declaration, given.variables).map_err(|e| e.message)?;
    let given = given.source_revisions.map(|given| match given {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    });
    let overrides = given.map(|given| overrides(declaration, given)).transpose().map_err(|e| e.message)?;
    Ok(Settled { variables, overrides, is_plain })
}

async fn begin(
    tx: &mut Tx,
    cx: &Cx,
    scope: &Scope,
    (declaration, settled): (Arc<PipelineDeclaration>, &Settled),
    waiting: Waiting,
    of_change: Vec<SourceOverride>,
) -> Result<Result<String, String>, store::Error> {
    let gates = load::locked(tx, scope, &declaration.name).await?;
    if let Err(e) = within_limit(gates.as_ref(), &declaration.name, cx.site.max_executions) {
        return Ok(Err(e.message));
    }
    let begin = Start {
        id: waiting.execution.clone(),
        trigger: Trigger { kind: "CloudWatchEvent".to_owned(), detail: waiting.rule_arn },
        variables: settled.variables.clone(),
        overrides: settled.overrides.clone().unwrap_or(of_change),
        parent: None,
        starters: waiting.starters,
        salt: start::salt(&*cx.ids),
    };
    start::start(tx, scope, declaration, begin).await?;
    Ok(Ok(waiting.execution))
}
