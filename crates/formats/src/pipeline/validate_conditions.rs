//! What a stage declares for its failure, and its conditions.
//!
//! AWS CodePipeline User Guide: "Configure conditions for a stage", "Configuring stage rollback", "Configuring stage retry for a
//! failed stage or failed actions", "Rule structure reference".

use std::collections::BTreeSet;

use regex_automata::meta::Regex;

use super::validate::twice;
use super::validate_names::{Known, check_commands, check_references};
use super::{
    Condition, ConditionKind, ConditionResult, DeploymentWindow, PipelineDeclaration, Problem, RuleDeclaration,
    RuleProvider, StageDeclaration, Step, configuration,
};
use crate::cloudformation::is_open;

/// `are_outputs_known`: when not, what a rule takes is not looked at.
pub(super) fn check(
    pipeline: &PipelineDeclaration,
    region: &str,
    are_outputs_known: bool,
    known: &Known<'_>,
) -> Vec<Problem> {
    let (mut made, mut filled) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    // One open name may be any.
    let mut any = !are_outputs_known;
    for (n, stage) in pipeline.stages.iter().enumerate() {
        let place = Place { pipeline, stage, region, known, first: n == 0 };
        let mut here = Vec::new();
        if let Err(problem) = place.version() {
            found.push(problem.in_item("stages", n));
            continue;
        }
        here.extend(place.on_failure().err());
        here.extend(place.conditions(&[ConditionKind::BeforeEntry], (&made, any), &filled));
        let outputs = || stage.actions.iter().flat_map(|a| &a.output_artifacts).map(|o| o.name.as_str());
        any |= outputs().any(is_open);
        made.extend(outputs());
        filled.extend(stage.actions.iter().filter_map(|a| a.namespace.as_deref()));
        here.extend(place.conditions(&[ConditionKind::OnSuccess, ConditionKind::OnFailure], (&made, any), &filled));
        found.extend(here.into_iter().map(|p| p.in_item("stages", n)));
    }
    found
}

struct Place<'a> {
    pipeline: &'a PipelineDeclaration,
    stage: &'a StageDeclaration,
    region: &'a str,
    known: &'a Known<'a>,
    first: bool,
}

impl Place<'_> {
    fn problem(&self, member: &str, what: &str) -> Problem {
        Problem::stage(format!("Stage '{}' declares {member}: {what}.", self.stage.name)).in_member(member)
    }

    fn version(&self) -> Result<(), Problem> {
        let stage = self.stage;
        let declared = [
            ("beforeEntry", stage.before_entry.is_some()),
            ("onSuccess", stage.on_success.is_some()),
            ("onFailure", stage.on_failure.is_some()),
        ];
        match declared.iter().find(|(_, there)| *there) {
            Some((member, _)) if self.pipeline.pipeline_type() == "V1" => Err(Problem::structure(format!(
                "Stage '{}' declares {member}, which is only supported for pipelines of type V2.",
                stage.name
            ))
            .in_member(member)),
            _ => Ok(()),
        }
    }

    fn on_failure(&self) -> Result<(), Problem> {
        let Some(declared) = &self.stage.on_failure else { return Ok(()) };
        let wrong = |what: &str| Err(self.problem("onFailure", what));
        let wrong_at =
            |member: &str, what: &str| Err(inside(self.problem("onFailure", what), &[Step::Member(member.to_owned())]));
        if declared.result.is_none() && declared.conditions.is_empty() {
            return wrong("it needs a result or conditions");
        }
        if declared.result == Some(ConditionResult::Retry) && !declared.conditions.is_empty() {
            return wrong("automatic stage retry cannot be used with onFailure conditions");
        }
        let other =
            declared.conditions.iter().filter_map(|c| c.result).find(|result| *result != ConditionResult::Rollback);
        // Deviation: what AWS makes of a contradiction is not known; it is refused.
        if let (Some(ConditionResult::Rollback), Some(other)) = (declared.result, other) {
            let what = format!("its condition has the result {}, so nothing would be rolled back", other.as_str());
            return wrong_at("result", &what).map_err(Problem::ours);
        }
        if declared.retry_configuration.is_some() && declared.result != Some(ConditionResult::Retry) {
            return wrong_at("retryConfiguration", "retryConfiguration needs the result RETRY");
        }
        if declared.result == Some(ConditionResult::Skip) {
            return wrong_at("result", "it cannot have the result SKIP");
        }
        if declared.result == Some(ConditionResult::Rollback) && self.first {
            return wrong_at("result", "a source stage cannot be rolled back");
        }
        Ok(())
    }

    fn conditions(
        &self,
        kinds: &[ConditionKind],
        made: (&BTreeSet<&str>, bool),
        filled: &BTreeSet<&str>,
    ) -> Vec<Problem> {
        let mut found = Vec::new();
        for kind in kinds {
            let (count, needed) = match kind {
                ConditionKind::BeforeEntry => (self.stage.before_entry.as_ref().map(|c| c.conditions.len()), 1..=1),
                ConditionKind::OnSuccess => (self.stage.on_success.as_ref().map(|c| c.conditions.len()), 1..=1),
                ConditionKind::OnFailure => (self.stage.on_failure.as_ref().map(|c| c.conditions.len()), 0..=1),
            };
            if count.is_some_and(|n| !needed.contains(&n)) {
                found.push(self.problem(kind.member(), "there must be exactly one condition"));
                continue;
            }
            let Some(condition) = self.stage.condition(*kind) else { continue };
            let first = [Step::Member("conditions".to_owned()), Step::Item(0)];
            found.extend(self.condition(*kind, condition).err().map(|p| inside(p, &first)));
            for (n, rule) in condition.rules.iter().enumerate() {
                let at = [&first[..], &[Step::Member("rules".to_owned()), Step::Item(n)]].concat();
                found.extend(self.rule(*kind, rule, made, filled).err().map(|p| inside(p, &at)));
            }
        }
        found
    }

    fn condition(&self, kind: ConditionKind, condition: &Condition) -> Result<(), Problem> {
        let wrong = |what: &str| Err(self.problem(kind.member(), what));
        let wrong_result =
            |what: &str| Err(inside(self.problem(kind.member(), what), &[Step::Member("result".to_owned())]));
        if !(1..=5).contains(&condition.rules.len()) {
            return wrong("a condition has 1 to 5 rules");
        }
        if let Some(name) = twice(condition.rules.iter().map(|r| r.name.as_str())) {
            return wrong(&format!("the rule name {name} has been used more than once"));
        }
        let Some(result) = condition.result else { return Ok(()) };
        let allowed = match (kind, result) {
            (ConditionKind::BeforeEntry, ConditionResult::Fail | ConditionResult::Skip)
            | (ConditionKind::OnSuccess, ConditionResult::Fail | ConditionResult::Rollback)
            | (ConditionKind::OnFailure, ConditionResult::Fail | ConditionResult::Rollback) => true,
            (ConditionKind::OnFailure, ConditionResult::Retry) => {
                return wrong_result("automatic stage retry cannot be used with onFailure conditions");
            }
            (ConditionKind::BeforeEntry, ConditionResult::Rollback | ConditionResult::Retry)
            | (ConditionKind::OnSuccess, ConditionResult::Skip | ConditionResult::Retry)
            // "AWS CodePipeline introduces skipping stage", October 2024: Skip is for conditions before the entry alone.
            | (ConditionKind::OnFailure, ConditionResult::Skip) => false,
        };
        if !allowed {
            return wrong_result(&format!("its condition cannot have the result {}", result.as_str()));
        }
        if result == ConditionResult::Rollback && self.first {
            return wrong_result("a source stage cannot be rolled back");
        }
        let skips = kind == ConditionKind::BeforeEntry && result == ConditionResult::Skip;
        let other = |r: &&RuleDeclaration| {
            !matches!(r.provider(), Some(RuleProvider::LambdaInvoke | RuleProvider::VariableCheck) | None)
        };
        if let Some(rule) = condition.rules.iter().find(other).filter(|_| skips) {
            return wrong(&format!(
                "only the rules LambdaInvoke and VariableCheck can skip a stage, not {} ('{}')",
                rule.rule_type_id.provider, rule.name
            ));
        }
        Ok(())
    }

    fn rule(
        &self,
        kind: ConditionKind,
        rule: &RuleDeclaration,
        (made, any): (&BTreeSet<&str>, bool),
        filled: &BTreeSet<&str>,
    ) -> Result<(), Problem> {
        let member = |name: &str| Step::Member(name.to_owned());
        let wrong_at = |at: &[Step], what: String| {
            Err(inside(self.problem(kind.member(), &format!("rule '{}': {what}", rule.name)), at))
        };
        let wrong = |name: &str, what: String| wrong_at(&[member(name)], what);
        let Some(known) = rule.rule_type() else {
            return wrong("ruleTypeId", format!("the rule type {} is not available", rule.rule_type_id.provider));
        };
        if let Some(other) =
            rule.region.as_deref().filter(|r| *r != self.region && !is_open(r) && !is_open(self.region))
        {
            // Deviation: a rule has the pipeline's region.
            return wrong("region", format!("rules of another region ({other}) are not available"))
                .map_err(Problem::ours);
        }
        if known.provider == RuleProvider::Commands {
            if rule.commands.is_empty() || rule.commands.iter().any(|c| c.contains('\n')) {
                return wrong("commands", "it needs commands, each a single line".to_owned());
            }
        } else if !rule.commands.is_empty() {
            return wrong("commands", format!("the rule type {} has no commands", known.provider_name));
        }
        if let Some(key) =
            rule.configuration.keys().find(|k| !known.required.iter().chain(known.optional).any(|n| n == k))
        {
            let what = format!("the configuration key '{key}' is not known");
            return wrong_at(&[member("configuration"), member(key)], what);
        }
        if let Some(key) = known.required.iter().find(|k| rule.config(k).is_none_or(str::is_empty)) {
            return wrong("configuration", format!("the configuration key '{key}' is missing"));
        }
        if !known.inputs.contains(&rule.input_artifacts.len()) {
            let (least, most) = (known.inputs.start(), known.inputs.end());
            return wrong("inputArtifacts", format!("it must have {least} to {most} input artifacts"));
        }
        let is_made = |name: &str| any || is_open(name) || made.contains(name);
        if let Some(input) = rule.input_artifacts.iter().find(|i| !is_made(&i.name)) {
            return wrong("inputArtifacts", format!("no action before it has the output artifact {}", input.name));
        }
        if let Some(minutes) = rule.timeout_in_minutes.filter(|m| !(5..=86400).contains(m)) {
            return wrong("timeoutInMinutes", format!("timeoutInMinutes must be between 5 and 86400, not {minutes}"));
        }
        values(rule, known.provider).or_else(|what| wrong("configuration", what))?;
        let texts = ("Rule", rule.name.as_str(), &rule.configuration);
        let problem = |p: Problem| p.in_member(kind.member());
        check_references(self.known, self.stage, texts, |_| None, filled).map_err(problem)?;
        let commands = ("Rule", (rule.name.as_str(), &*rule.commands));
        check_commands(self.known, self.stage, commands, |_| None, filled).map_err(problem)
    }
}

/// The problem, which stands in a member of a stage, at a place in that.
fn inside(mut problem: Problem, steps: &[Step]) -> Problem {
    for (n, step) in steps.iter().enumerate() {
        problem.place.insert(1 + n, step.clone());
    }
    problem
}

fn values(rule: &RuleDeclaration, provider: RuleProvider) -> Result<(), String> {
    let plain = |key: &str| rule.config(key).filter(|v| configuration::is_fixed(v));
    match provider {
        RuleProvider::VariableCheck => {
            let operator = rule.config("Operator").unwrap_or_default();
            if !is_open(operator) && !["EQ", "NE", "CONTAINS", "MATCHES"].contains(&operator) {
                return Err(format!("the Operator must be one of EQ, NE, CONTAINS, MATCHES, not '{operator}'"));
            }
            match plain("Value").filter(|_| operator == "MATCHES").map(Regex::new) {
                Some(Err(_)) => Err("the Value is not a regular expression".to_owned()),
                _ => Ok(()),
            }
        }
        RuleProvider::DeploymentWindow => {
            let (Some(cron), zone) = (plain("Cron"), rule.config("TimeZone")) else { return Ok(()) };
            DeploymentWindow::parse(cron, zone.filter(|z| configuration::is_fixed(z))).map(|_| ())
        }
        RuleProvider::CloudWatchAlarm => {
            let known = |s: &str| ["ALARM", "OK", "INSUFFICIENT_DATA"].contains(&s.trim());
            if let Some(states) = plain("AlarmStates").filter(|s| !s.split(',').all(known)) {
                return Err(format!("AlarmStates must be of ALARM, OK, INSUFFICIENT_DATA, not '{states}'"));
            }
            match plain("WaitTime").filter(|w| w.parse::<u32>().is_err()) {
                Some(wait) => Err(format!("WaitTime must be a number of minutes, not '{wait}'")),
                None => Ok(()),
            }
        }
        RuleProvider::CodeBuild => match configuration::code_build(&rule.as_build()).into_iter().next() {
            Some(problem) => Err(problem.message),
            None => Ok(()),
        },
        RuleProvider::Commands | RuleProvider::LambdaInvoke => Ok(()),
    }
}
