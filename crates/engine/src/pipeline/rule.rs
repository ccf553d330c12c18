//! Rules: what is decided here and now, and what is asked elsewhere.
//!
//! User Guide, "Rule structure reference": VariableCheck, DeploymentWindow, CodeBuild, Commands, CloudWatchAlarm, LambdaInvoke.

use std::collections::BTreeMap;
use std::time::Duration;

use base::Timestamp;
use formats::pipeline::{DeploymentWindow, RuleDeclaration, RuleProvider, resolve};
use regex_automata::meta::Regex;

use super::action::{self, Beginning, variable};
use super::condition::{RuleStatus, timeout_of};
use super::{ActionError, Artifact, ExecutionState, RunAction, Work};

/// What came of preparing a rule.
pub(super) struct Prepared {
    pub resolved: BTreeMap<String, String>,
    pub inputs: Vec<Artifact>,
    pub check: Check,
}

/// Whether a rule is met.
pub(super) enum Check {
    Done(RuleStatus),
    Ask(Box<RunAction>),
    /// It should be, at this time.
    Wait {
        until: Timestamp,
    },
}

/// When a deployment window is open.
pub(super) enum Opening {
    Now,
    At(Timestamp),
    /// Not as long as the rule waits.
    TooLate(ActionError),
}

pub(super) fn prepare(
    state: &ExecutionState,
    stage: &str,
    rule: &RuleDeclaration,
    (key, id): (&str, &str),
    now: Timestamp,
) -> Result<Prepared, ActionError> {
    if matches!(rule.provider(), Some(RuleProvider::CodeBuild | RuleProvider::Commands)) {
        let shared = |namespace: &str, key: &str| variable(state, namespace, key);
        let beginning = Beginning { stage, name: &rule.name, key, id, cell: None, shared: &shared, earlier: None };
        let prepared = action::prepare(state, &rule.as_build(), beginning)?;
        let work = prepared.work.ok_or_else(|| wrong(rule, "it asks for no build"))?;
        return Ok(Prepared {
            resolved: prepared.resolved,
            inputs: prepared.inputs,
            check: Check::Ask(Box::new(work)),
        });
    }
    let lookup = |namespace: &str, key: &str| variable(state, namespace, key);
    let resolved: Result<BTreeMap<String, String>, _> =
        rule.configuration.iter().map(|(k, v)| Ok((k.clone(), resolve(v, lookup)?))).collect();
    let resolved = resolved.map_err(|e: formats::pipeline::Unresolved| {
        wrong(rule, &format!("the variable #{{{}}} has no value", e.text))
    })?;
    let inputs = action::inputs(state, &rule.as_build())?;
    let text = |key: &str| resolved.get(key).map(String::as_str).unwrap_or_default();
    let ask =
        |work: Work| Check::Ask(Box::new(action::run_action(state, stage, &rule.as_build(), id, inputs.clone(), work)));
    let check = match rule.provider() {
        Some(RuleProvider::VariableCheck) => Check::Done(variable_check(rule, &text)?),
        Some(RuleProvider::DeploymentWindow) => {
            match window(rule, &resolved, now, timeout_of(rule))? {
                Opening::Now => Check::Done(RuleStatus::Succeeded),
                Opening::At(until) => Check::Wait { until },
                // Deviation: what is known to time out fails at once.
                Opening::TooLate(error) => Check::Done(RuleStatus::Failed(error)),
            }
        }
        Some(RuleProvider::CloudWatchAlarm) => ask(Work::CloudWatchAlarm { alarm: text("AlarmName").to_owned() }),
        Some(RuleProvider::LambdaInvoke) => ask(Work::LambdaInvoke { function: text("FunctionName").to_owned() }),
        // Validation lets no other type in; a definition from a newer version of the product could hold one.
        Some(RuleProvider::CodeBuild | RuleProvider::Commands) | None => {
            return Err(wrong(rule, &format!("the rule type {} is not available", rule.rule_type_id.provider)));
        }
    };
    Ok(Prepared { resolved, inputs, check })
}

/// When the window of a rule is open for whoever waits for so long.
pub(super) fn window(
    rule: &RuleDeclaration,
    resolved: &BTreeMap<String, String>,
    now: Timestamp,
    left: Duration,
) -> Result<Opening, ActionError> {
    let cron = resolved.get("Cron").map(String::as_str).unwrap_or_default();
    let zone = resolved.get("TimeZone").map(String::as_str);
    let window = DeploymentWindow::parse(cron, zone).map_err(|e| wrong(rule, &e))?;
    Ok(match window.opens(now, left) {
        Some(at) if at == now => Opening::Now,
        Some(at) => Opening::At(at),
        None => Opening::TooLate(unmet(format!(
            "The deployment window '{cron}' is closed, and does not open within the rule's {} minutes.",
            timeout_of(rule).as_secs() / 60
        ))),
    })
}

fn variable_check<'a>(rule: &RuleDeclaration, text: &impl Fn(&str) -> &'a str) -> Result<RuleStatus, ActionError> {
    let (actual, value, operator) = (text("Variable"), text("Value"), text("Operator"));
    let met = match operator {
        "EQ" => actual == value,
        "NE" => actual != value,
        "CONTAINS" => actual.contains(value),
        "MATCHES" => {
            // As Java's `matches`: the whole value. Deviation: expressions have no look-around and no back-references; one
            // with them is refused when the pipeline is declared.
            let whole = Regex::new(&format!(r"\A(?:{value})\z"));
            whole.map_err(|_| wrong(rule, &format!("'{value}' is not a regular expression")))?.is_match(actual)
        }
        other => return Err(wrong(rule, &format!("the operator {other} is not known"))),
    };
    Ok(if met {
        RuleStatus::Succeeded
    } else {
        not_met(format!("The variable's value '{actual}' is not {operator} '{value}'."))
    })
}

fn not_met(message: String) -> RuleStatus {
    RuleStatus::Failed(unmet(message))
}

fn unmet(message: String) -> ActionError {
    ActionError { code: "JobFailed".to_owned(), message }
}

fn wrong(rule: &RuleDeclaration, what: &str) -> ActionError {
    ActionError {
        code: "ConfigurationError".to_owned(),
        message: format!("The rule '{}' cannot be checked: {what}.", rule.name),
    }
}
