//! Conditions of stages: what their records hold, and the moves that begin and end a check.
//!
//! User Guide, "Configure conditions for a stage": the rules of a condition are checked together; when one is not met, neither is
//! the condition, and its result follows.

use base::{Effect, TimerChange, Timestamp};
use formats::pipeline::{
    Condition, ConditionKind, ConditionResult, Provider, RetryMode, RuleDeclaration, RuleProvider,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::draft::Draft;
use super::rule::{Check, Opening, prepare, window};
use super::{
    ActionEffect, ActionError, Artifact, Begun, Execution, ExecutionInput, ExecutionState, External, StageRun,
};

/// One check of a condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionRun {
    pub kind: ConditionKind,
    pub status: ConditionStatus,
    pub updated: Timestamp,
    pub rules: Vec<RuleRun>,
}

/// How a check stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConditionStatus {
    InProgress,
    Succeeded,
    Failed,
    /// A rule could not be checked.
    Errored,
    Abandoned,
    /// Someone let the execution go on all the same.
    Overridden {
        by: String,
    },
}

/// One rule of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleRun {
    pub name: String,
    /// The key of its effect; results name it.
    pub key: String,
    /// The id that clients see.
    pub id: String,
    pub started: Timestamp,
    pub updated: Timestamp,
    /// The configuration with all references replaced.
    pub resolved: BTreeMap<String, String>,
    pub inputs: Vec<Artifact>,
    pub external: External,
    pub status: RuleStatus,
}

/// How far a rule is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RuleStatus {
    /// It is being checked elsewhere.
    Working,
    Succeeded,
    Failed(ActionError),
    Abandoned,
}

/// What a stage's condition says.
pub(super) enum Said {
    /// Its check has just begun.
    Wait,
    /// Go on; there may be none.
    Met,
    NotMet(ConditionResult),
}

impl ConditionStatus {
    /// As the model spells it.
    pub fn as_str(&self) -> &'static str {
        match self {
            ConditionStatus::InProgress => "InProgress",
            ConditionStatus::Succeeded => "Succeeded",
            ConditionStatus::Failed => "Failed",
            ConditionStatus::Errored => "Errored",
            ConditionStatus::Abandoned => "Abandoned",
            ConditionStatus::Overridden { .. } => "Overridden",
        }
    }
}

impl RuleStatus {
    /// As the model spells it.
    pub fn as_str(&self) -> &'static str {
        match self {
            RuleStatus::Working => "InProgress",
            RuleStatus::Succeeded => "Succeeded",
            RuleStatus::Failed(_) => "Failed",
            RuleStatus::Abandoned => "Abandoned",
        }
    }
}

impl ConditionRun {
    /// What its rules say together.
    fn verdict(&self) -> ConditionStatus {
        let failed = |code: fn(&str) -> bool| {
            self.rules.iter().any(|r| matches!(&r.status, RuleStatus::Failed(error) if code(&error.code)))
        };
        let has = |status: RuleStatus| self.rules.iter().any(|r| r.status == status);
        if has(RuleStatus::Working) {
            ConditionStatus::InProgress
        } else if has(RuleStatus::Abandoned) {
            ConditionStatus::Abandoned
        } else if failed(|code| code == "ConfigurationError") {
            ConditionStatus::Errored
        } else if failed(|_| true) {
            ConditionStatus::Failed
        } else {
            ConditionStatus::Succeeded
        }
    }
}

impl StageRun {
    /// The check of this kind of condition in this attempt, if it has begun.
    pub fn condition(&self, kind: ConditionKind) -> Option<&ConditionRun> {
        self.conditions.iter().find(|c| c.kind == kind)
    }

    /// The rules that have begun in this attempt, oldest first.
    pub fn rules(&self) -> impl DoubleEndedIterator<Item = &RuleRun> {
        self.conditions.iter().flat_map(|c| &c.rules)
    }

    /// The rule under this effect key, while it works.
    pub(super) fn working_rule(&self, key: &str) -> Option<&RuleRun> {
        self.rules().find(|r| r.key == key && r.status == RuleStatus::Working)
    }

    pub(super) fn is_checked(&self) -> bool {
        self.rules().any(|r| r.status == RuleStatus::Working)
    }
}

impl Draft {
    /// Asks the stage's condition of this kind; begins its check if that has not been done in this attempt.
    pub(super) fn ask(&mut self, stage: usize, kind: ConditionKind) -> Said {
        let declared = self.declared(stage);
        let Some(condition) = declared.condition(kind) else { return Said::Met };
        let fallback = match kind {
            ConditionKind::OnFailure => declared.on_failure.as_ref().and_then(|f| f.result),
            ConditionKind::BeforeEntry | ConditionKind::OnSuccess => None,
        };
        let result = condition.result.or(fallback).unwrap_or(ConditionResult::Fail);
        // The failed actions of a stage are retried inside of it.
        let inside = matches!(self.current().begun, Begun::Retried { mode: RetryMode::FailedActions, .. });
        if kind == ConditionKind::BeforeEntry && inside {
            return Said::Met;
        }
        match self.current().condition(kind).map(|run| &run.status) {
            None => {
                let condition = condition.clone();
                self.begin_check(kind, &condition);
                Said::Wait
            }
            Some(ConditionStatus::InProgress) => Said::Wait,
            Some(ConditionStatus::Succeeded | ConditionStatus::Overridden { .. }) => Said::Met,
            // Nobody knows whether the stage was to be skipped, and an execution that skips it is green.
            Some(ConditionStatus::Errored) if result == ConditionResult::Skip => Said::NotMet(ConditionResult::Fail),
            Some(ConditionStatus::Failed | ConditionStatus::Errored | ConditionStatus::Abandoned) => {
                Said::NotMet(result)
            }
        }
    }

    fn begin_check(&mut self, kind: ConditionKind, condition: &Condition) {
        let before = self.state.clone();
        let (stage, attempt) = (self.current().name.clone(), self.current().attempt);
        let mut rules = Vec::new();
        for rule in &condition.rules {
            let key = format!("{}/{stage}/{}/{}/{attempt}", self.state.id, kind.member(), rule.name);
            let id = base::derived_uuid(&["rule", &key]).to_string();
            let mut run = RuleRun {
                name: rule.name.clone(),
                key: key.clone(),
                id: id.clone(),
                started: self.now,
                updated: self.now,
                resolved: BTreeMap::new(),
                inputs: Vec::new(),
                external: External::default(),
                status: RuleStatus::Working,
            };
            match prepare(&before, &stage, rule, (&key, &id), self.now) {
                Ok(prepared) => {
                    run.resolved = prepared.resolved;
                    run.inputs = prepared.inputs;
                    match prepared.check {
                        Check::Done(status) => run.status = status,
                        Check::Ask(work) => self.ask_elsewhere(rule, &key, ActionEffect::Run(work)),
                        Check::Wait { until } => {
                            run.external.summary = Some(waits(&run.resolved, until));
                            self.look_again(&key, until);
                        }
                    }
                }
                Err(error) => run.status = RuleStatus::Failed(error),
            }
            rules.push(run);
        }
        let mut run = ConditionRun { kind, status: ConditionStatus::InProgress, updated: self.now, rules };
        run.status = run.verdict();
        self.current_mut().conditions.push(run);
    }

    fn ask_elsewhere(&mut self, rule: &RuleDeclaration, key: &str, effect: ActionEffect) {
        self.effects.push(Effect { key: key.to_owned(), effect });
        let input = ExecutionInput::ActionTimedOut { key: key.to_owned() };
        self.timers.push(TimerChange::set::<Execution>(key, self.now + timeout_of(rule), &input));
    }

    fn look_again(&mut self, key: &str, at: Timestamp) {
        let input = ExecutionInput::RuleDue { key: key.to_owned() };
        self.timers.push(TimerChange::set::<Execution>(key, at, &input));
    }

    /// Whether nothing is done for a rule but wait for its time.
    pub(super) fn is_window(&self, key: &str) -> bool {
        self.state.declared_rule(key).and_then(|r| r.provider()) == Some(RuleProvider::DeploymentWindow)
    }

    /// Asks whether the window that a rule waits for is open now: it has closed again if the server was down meanwhile.
    pub(super) fn look_at_window(&mut self, key: &str) {
        let rule = self.state.declared_rule(key).cloned();
        let (Some(rule), Some(run)) = (rule, self.current().working_rule(key).cloned()) else { return };
        let left = (run.started + timeout_of(&rule)).since(self.now);
        match window(&rule, &run.resolved, self.now, left) {
            Ok(Opening::Now) => {
                let summary = Some(format!("It was time: {}.", named(&run.resolved)));
                self.end_rule(key, RuleStatus::Succeeded, External { summary, ..External::default() });
            }
            Ok(Opening::At(until)) => {
                let summary = Some(waits(&run.resolved, until));
                self.set_external(key, External { summary, ..run.external });
                self.look_again(key, until);
            }
            Ok(Opening::TooLate(error)) | Err(error) => {
                self.end_rule(key, RuleStatus::Failed(error), External::default());
            }
        }
    }

    /// Ends one rule, and its check when it was the last.
    pub(super) fn end_rule(&mut self, key: &str, status: RuleStatus, external: External) {
        let now = self.now;
        for condition in &mut self.current_mut().conditions {
            let Some(run) = condition.rules.iter_mut().find(|r| r.key == key) else { continue };
            run.status = status.clone();
            run.updated = now;
            run.external.id = external.id.clone().or(run.external.id.take());
            run.external.url = external.url.clone().or(run.external.url.take());
            run.external.summary = external.summary.clone().or(run.external.summary.take());
            condition.status = condition.verdict();
            condition.updated = now;
        }
        self.timers.push(TimerChange::clear(key));
    }

    /// Ends the rules that are still being checked, because nobody wants to know any more.
    pub(super) fn abandon_rules(&mut self) {
        self.abandon_those(|_| true);
    }

    /// Ends the rules for which nothing is done but wait for a time, and goes on where nothing else is being done.
    pub(super) fn stop_waiting(&mut self) {
        self.abandon_those(|rule| rule.provider() == Some(RuleProvider::DeploymentWindow));
        self.settle();
    }

    fn abandon_those(&mut self, which: impl Fn(&RuleDeclaration) -> bool) {
        let working = self.current().rules().filter(|r| r.status == RuleStatus::Working);
        let wanted = working.filter(|r| self.state.declared_rule(&r.key).is_none_or(&which));
        let keys: Vec<String> = wanted.map(|r| r.key.clone()).collect();
        for key in keys {
            self.cancel_rule(&key);
            self.end_rule(&key, RuleStatus::Abandoned, External::default());
        }
    }

    /// Asks whoever checks a rule to give up, where there is something to give up.
    pub(super) fn cancel_rule(&mut self, key: &str) {
        let Some(run) = self.current().working_rule(key).cloned() else { return };
        let provider = self.state.declared_rule(key).and_then(|r| r.provider());
        if matches!(provider, Some(RuleProvider::CodeBuild | RuleProvider::Commands)) {
            self.cancel_elsewhere(key, Provider::CodeBuild, run.external.id);
        }
    }
}

/// The window of a rule, for people.
fn named(resolved: &BTreeMap<String, String>) -> String {
    format!("the deployment window '{}'", resolved.get("Cron").map(String::as_str).unwrap_or_default())
}

fn waits(resolved: &BTreeMap<String, String>, until: Timestamp) -> String {
    format!("Waits for {}, which opens at {}.", named(resolved), until.format("%Y-%m-%dT%H:%M:%SZ"))
}

impl ExecutionState {
    /// The declaration of the rule under this effect key, in the stage that was entered last.
    pub(super) fn declared_rule(&self, key: &str) -> Option<&RuleDeclaration> {
        let stage = self.stages.last()?;
        let (kind, run) =
            stage.conditions.iter().find_map(|c| Some((c.kind, c.rules.iter().find(|r| r.key == key)?)))?;
        self.definition.stage(&stage.name)?.condition(kind)?.rules.iter().find(|r| r.name == run.name)
    }
}

/// How long the check of a rule may take.
pub(super) fn timeout_of(rule: &RuleDeclaration) -> std::time::Duration {
    match (rule.timeout_in_minutes, rule.rule_type()) {
        (Some(minutes), _) => std::time::Duration::from_secs(u64::from(minutes) * 60),
        (None, Some(kind)) => kind.timeout,
        (None, None) => std::time::Duration::from_secs(3600),
    }
}
