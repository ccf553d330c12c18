//! Conditions and their rules.

use serde_json::{Value, json};

use super::tests::*;

fn rule(provider: &str, configuration: Value) -> Value {
    let id = json!({"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"});
    json!({"name": "Check", "ruleTypeId": id, "configuration": configuration})
}

fn check(operator: &str, value: &str) -> Value {
    rule("VariableCheck", json!({"Variable": "#{Source.CommitMessage}", "Operator": operator, "Value": value}))
}

fn one_condition(member: &'static str, result: &'static str, rules: Value) -> impl FnOnce(&mut Value) {
    move |p| {
        p["pipelineType"] = json!("V2");
        p["stages"][1][member] = json!({"conditions": [{"result": result, "rules": rules}]});
    }
}

#[test]
fn conditions_are_for_pipelines_of_type_v2() {
    assert_eq!(pipeline(|p| p["stages"][1]["onFailure"] = json!({"result": "ROLLBACK"})), Ok(()), "it makes it one");
    refused(
        |p| {
            p["pipelineType"] = json!("V1");
            p["stages"][1]["onFailure"] = json!({"result": "ROLLBACK"});
        },
        "InvalidStructureException: Stage 'Build' declares onFailure, which is only supported for pipelines of type V2.",
    );
}

#[test]
fn each_kind_of_condition_has_its_results() {
    let stage = "InvalidStageDeclarationException: Stage 'Build' declares";
    let ok = || json!([check("EQ", "x")]);
    for (member, result) in [
        ("beforeEntry", "ROLLBACK"),
        ("beforeEntry", "RETRY"),
        ("onSuccess", "SKIP"),
        ("onSuccess", "RETRY"),
        ("onFailure", "SKIP"),
    ] {
        let expected = format!("{stage} {member}: its condition cannot have the result {result}.");
        refused(one_condition(member, result, ok()), &expected);
    }
    refused(
        one_condition("onFailure", "RETRY", ok()),
        &format!("{stage} onFailure: automatic stage retry cannot be used with onFailure conditions."),
    );
    refused(
        one_condition("beforeEntry", "SKIP", json!([rule("DeploymentWindow", json!({"Cron": "* * * * * ?"}))])),
        &format!(
            "{stage} beforeEntry: only the rules LambdaInvoke and VariableCheck can skip a stage, not DeploymentWindow ('Check')."
        ),
    );
    refused(
        one_condition("onSuccess", "FAIL", json!([check("EQ", "x"), check("EQ", "y")])),
        &format!("{stage} onSuccess: the rule name Check has been used more than once."),
    );
    refused(
        one_condition("onSuccess", "FAIL", json!([])),
        &format!("{stage} onSuccess: a condition has 1 to 5 rules."),
    );
}

#[test]
fn what_follows_a_failure_must_make_sense() {
    let stage = |name: &str| format!("InvalidStageDeclarationException: Stage '{name}' declares onFailure:");
    let on_failure = |stage: usize, value: Value| {
        move |p: &mut Value| {
            p["pipelineType"] = json!("V2");
            p["stages"][stage]["onFailure"] = value;
        }
    };
    let not_source = format!("{} a source stage cannot be rolled back.", stage("Source"));
    refused(on_failure(0, json!({"result": "ROLLBACK"})), &not_source);
    let nothing = format!("{} it needs a result or conditions.", stage("Build"));
    refused(on_failure(1, json!({})), &nothing);
    let skip = format!("{} it cannot have the result SKIP.", stage("Build"));
    refused(on_failure(1, json!({"result": "SKIP"})), &skip);
    let lost = format!("{} retryConfiguration needs the result RETRY.", stage("Build"));
    refused(on_failure(1, json!({"result": "FAIL", "retryConfiguration": {"retryMode": "ALL_ACTIONS"}})), &lost);
    let checked = |result: Option<&str>| {
        let mut condition = json!({"rules": [check("EQ", "x")]});
        if let Some(result) = result {
            condition["result"] = json!(result);
        }
        on_failure(1, json!({"result": "ROLLBACK", "conditions": [condition]}))
    };
    assert_eq!((pipeline(checked(None)), pipeline(checked(Some("ROLLBACK")))), (Ok(()), Ok(())));
    let never = format!("{} its condition has the result FAIL, so nothing would be rolled back.", stage("Build"));
    refused(checked(Some("FAIL")), &never);
}

#[test]
fn the_configuration_of_rules_is_checked() {
    let refused = |rule: Value, what: &str| {
        let expected =
            format!("InvalidStageDeclarationException: Stage 'Build' declares onSuccess: rule 'Check': {what}.");
        refused(one_condition("onSuccess", "FAIL", json!([rule])), &expected);
    };
    refused(rule("Commands", json!({})), "it needs commands, each a single line");
    refused(check("LIKE", "x"), "the Operator must be one of EQ, NE, CONTAINS, MATCHES, not 'LIKE'");
    refused(check("MATCHES", "("), "the Value is not a regular expression");
    refused(
        rule("VariableCheck", json!({"Variable": "x", "Operator": "EQ"})),
        "the configuration key 'Value' is missing",
    );
    refused(rule("LambdaInvoke", json!({"FunctionName": "f", "X": "y"})), "the configuration key 'X' is not known");
    refused(
        rule("DeploymentWindow", json!({"Cron": "* * 25 ? * *"})),
        "'25' is not a value for the field hours of a cron expression",
    );
    refused(
        rule("CloudWatchAlarm", json!({"AlarmName": "a", "AlarmStates": "BROKEN"})),
        "AlarmStates must be of ALARM, OK, INSUFFICIENT_DATA, not 'BROKEN'",
    );
    refused(rule("CodeBuild", json!({"ProjectName": "p"})), "it must have 1 to 5 input artifacts");
    let mut late = rule("CodeBuild", json!({"ProjectName": "p"}));
    late["inputArtifacts"] = json!([{"name": "Nope"}]);
    refused(late, "no action before it has the output artifact Nope");
}

#[test]
fn a_rule_sees_the_variables_of_what_has_run_by_then() {
    let form = "InvalidActionDeclarationException: Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). The following pipeline execution variables";
    refused(
        |p| {
            p["stages"][1]["actions"][0]["namespace"] = json!("B");
            one_condition(
                "beforeEntry",
                "FAIL",
                json!([rule("VariableCheck", json!({"Variable": "#{B.x}", "Operator": "EQ", "Value": "1"}))]),
            )(p);
        },
        &format!(
            "{form} are referencing a namespace that no preceding action fills. StageName=[Build], RuleName=[Check], RuleConfigurationKey=[Variable], VariableReferenceText=[B.x]"
        ),
    );
}
