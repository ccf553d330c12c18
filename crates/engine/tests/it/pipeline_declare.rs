//! Pipelines as a few lines of text.

use formats::pipeline::{CustomActionType, PipelineDeclaration, validate_with};
use serde_json::{Value, json};

/// A declaration from lines `mode MODE`, `stage NAME`, `on-failure RESULT [RETRY-MODE]`, `condition KIND RESULT`,
/// `rule NAME PROVIDER [in=A,B] [timeout=N] [KEY=VALUE]...`, and `action NAME PROVIDER [order=N] [in=A,B] [out=A,B] [ns=N] [KEY=VALUE]...`.
pub fn declare<'a>(lines: impl Iterator<Item = &'a str>) -> PipelineDeclaration {
    declare_named("demo", lines)
}

/// Several of them, each but the first after a line `pipeline NAME`.
pub fn declare_all<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<PipelineDeclaration> {
    let mut pipelines: Vec<(&str, Vec<&str>)> = vec![("demo", Vec::new())];
    for line in lines {
        match line.strip_prefix("pipeline ") {
            Some(name) => pipelines.push((name, Vec::new())),
            None => pipelines.last_mut().expect("the first").1.push(line),
        }
    }
    pipelines.into_iter().map(|(name, lines)| declare_named(name, lines.into_iter())).collect()
}

/// The same with a name.
pub fn declare_named<'a>(name: &str, lines: impl Iterator<Item = &'a str>) -> PipelineDeclaration {
    let mut stages: Vec<Value> = Vec::new();
    let mut variables: Vec<Value> = Vec::new();
    let mut condition = "";
    let mut mode = "SUPERSEDED";
    for line in lines {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("stage") => stages.push(json!({"name": words.next().expect("a name"), "actions": []})),
            Some("mode") => mode = words.next().expect("a mode"),
            Some("variable") => {
                variables.push(json!({"name": words.next().expect("a name"), "defaultValue": "default"}))
            }
            Some("on-failure") => {
                let stage = stages.last_mut().expect("a stage before what follows its failure");
                stage["onFailure"] = json!({"result": words.next().expect("a result")});
                if let Some(mode) = words.next() {
                    stage["onFailure"]["retryConfiguration"] = json!({"retryMode": mode});
                }
            }
            Some("condition") => {
                let (member, result) = (words.next().expect("a kind"), words.next().expect("a result"));
                let stage = stages.last_mut().expect("a stage before its conditions");
                stage[member] = json!({"conditions": [{"result": result, "rules": []}]});
                condition = member;
            }
            Some("rule") => {
                let (name, provider) = (words.next().expect("a name"), words.next().expect("a provider"));
                let stage = stages.last_mut().expect("a stage before its rules");
                let rule = declare_rule(name, provider, words);
                stage[condition]["conditions"][0]["rules"].as_array_mut().unwrap().push(rule);
            }
            Some("action") => {
                let (name, provider) = (words.next().expect("a name"), words.next().expect("a provider"));
                let action = declare_action(name, provider, words);
                let stage = stages.last_mut().expect("a stage before its actions");
                stage["actions"].as_array_mut().unwrap().push(action);
            }
            other => panic!("not a line of a pipeline: {other:?}"),
        }
    }
    let declaration: PipelineDeclaration = serde_json::from_value(json!({
        "name": name, "roleArn": "arn:aws:iam::123456789012:role/p", "version": 1, "pipelineType": "V2", "executionMode": mode,
        "artifactStore": {"type": "S3", "location": "artifacts"}, "stages": stages, "variables": variables,
    }))
    .unwrap();
    let registered = [registered()];
    validate_with(&declaration, "eu-west-1", &registered).unwrap_or_else(|p| panic!("{}: {p}", p.code()));
    declaration
}

/// The type of the actions `Worker`.
fn registered() -> CustomActionType {
    let count = json!({"minimumCount": 0, "maximumCount": 5});
    let property = json!({"name": "Target", "required": false, "key": true, "secret": false});
    serde_json::from_value(json!({
        "id": {"category": "Build", "owner": "Custom", "provider": "Mine", "version": "1"},
        "actionConfigurationProperties": [property],
        "inputArtifactDetails": count, "outputArtifactDetails": count,
    }))
    .unwrap()
}

/// `~` stands for a space.
fn declare_rule<'a>(name: &str, provider: &str, words: impl Iterator<Item = &'a str>) -> Value {
    let id = json!({"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"});
    let mut rule = json!({"name": name, "ruleTypeId": id, "configuration": {}});
    for word in words {
        let (key, value) = word.split_once('=').expect("key=value");
        match key {
            "in" => rule["inputArtifacts"] = value.split(',').map(|n| json!({"name": n})).collect(),
            "timeout" => rule["timeoutInMinutes"] = json!(value.parse::<u32>().unwrap()),
            "commands" => rule["commands"] = value.split(';').map(|c| json!(c.replace('~', " "))).collect(),
            _ => rule["configuration"][key] = json!(value.replace('~', " ")),
        }
    }
    rule
}

fn declare_action<'a>(name: &str, provider: &str, words: impl Iterator<Item = &'a str>) -> Value {
    let owner = if provider == "Worker" { "Custom" } else { "AWS" };
    let (category, provider, mut config) = match provider {
        "CodeCommit" => ("Source", "CodeCommit", json!({"RepositoryName": "repo", "BranchName": "main"})),
        "S3Source" => ("Source", "S3", json!({"S3Bucket": "src", "S3ObjectKey": "src.zip"})),
        "CodeBuild" => ("Build", "CodeBuild", json!({"ProjectName": "project"})),
        "Manual" => ("Approval", "Manual", json!({})),
        "S3" => ("Deploy", "S3", json!({"BucketName": "site", "Extract": "true"})),
        "Connection" => (
            "Source",
            "CodeStarSourceConnection",
            json!({
                "ConnectionArn": "arn:aws:codeconnections:eu-west-1:123456789012:connection/0f1e2d3c-0000-4000-8000-000000000000",
                "FullRepositoryId": "us/app", "BranchName": "main",
            }),
        ),
        "Commands" => ("Compute", "Commands", json!({})),
        "Worker" => ("Build", "Mine", json!({})),
        "Pipeline" => ("Invoke", "CodePipeline", json!({})),
        other => panic!("no provider {other}"),
    };
    let mut action = json!({
        "name": name,
        "actionTypeId": {"category": category, "owner": owner, "provider": provider, "version": "1"},
    });
    let names = |list: &str| list.split(',').map(|n| json!({"name": n})).collect::<Value>();
    for word in words {
        let (key, value) = word.split_once('=').expect("key=value");
        match key {
            "order" => action["runOrder"] = json!(value.parse::<u32>().unwrap()),
            "in" => action["inputArtifacts"] = names(value),
            "out" => action["outputArtifacts"] = names(value),
            "ns" => action["namespace"] = json!(value),
            "commands" => action["commands"] = value.split(';').map(|c| json!(c.replace('~', " "))).collect(),
            "timeout" => action["timeoutInMinutes"] = json!(value.parse::<u32>().unwrap()),
            _ => config[key] = json!(value),
        }
    }
    action["configuration"] = config;
    action
}
