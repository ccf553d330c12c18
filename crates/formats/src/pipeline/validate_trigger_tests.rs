//! Triggers.

use serde_json::{Value, json};

use super::tests::*;

fn triggered(trigger: Value) -> Result<(), String> {
    pipeline(|p| {
        p["pipelineType"] = json!("V2");
        p["triggers"] = json!([trigger]);
    })
}

fn code_commit_trigger(git: Value) -> Value {
    let mut git = git;
    git["sourceActionName"] = json!("Src");
    json!({"providerType": "CodeCommit", "gitConfiguration": git})
}

#[test]
fn triggers_with_filters_pass() {
    let push = json!([
        {"tags": {"includes": ["v*"], "excludes": ["v0.*"]}},
        {"branches": {"includes": ["main", "release/**"]}, "filePaths": {"excludes": ["**/*.md"]}},
    ]);
    assert_eq!(triggered(code_commit_trigger(json!({"push": push}))), Ok(()));
    assert_eq!(triggered(code_commit_trigger(json!({}))), Ok(()));
}

#[test]
fn a_trigger_that_could_never_work_is_refused() {
    let many: Vec<String> = (0..9).map(|n| format!("b{n}")).collect();
    let branches = json!({"branches": {"includes": ["main"]}});
    let start = "The trigger of source action 'Src'";
    for (git, expected) in [
        (
            json!({"push": [{"tags": {"includes": ["v*"]}, "branches": {"includes": ["main"]}}]}),
            format!(
                "InvalidStructureException: {start} is not valid: a push filter is for tags, or for branches and file paths, not for both."
            ),
        ),
        (
            json!({"push": [{"branches": {"includes": many}}]}),
            format!(
                "LimitExceededException: {start} has 9 patterns in includes of branches, which is more than the maximum of 8."
            ),
        ),
        (
            json!({"push": [branches, branches, branches, branches]}),
            format!("LimitExceededException: {start} has 4 push filters, which is more than the maximum of 3."),
        ),
        (
            json!({"push": [{"filePaths": {"excludes": ["[a"]}}]}),
            format!(
                "InvalidStructureException: {start} is not valid: the pattern '[a' in excludes of filePaths has a set that is not closed."
            ),
        ),
        (
            json!({"pullRequest": [{"events": ["OPEN"]}]}),
            format!("InvalidStructureException: {start} is not valid: pull requests of CodeCommit are not available."),
        ),
    ] {
        assert_eq!(triggered(code_commit_trigger(git)), Err(expected));
    }
}

#[test]
fn a_trigger_belongs_to_one_source_action_of_its_provider_in_a_pipeline_of_type_v2() {
    let trigger = code_commit_trigger(json!({}));
    assert_eq!(pipeline(|p| p["triggers"] = json!([trigger])), Ok(()), "the trigger makes it one");
    refused(
        |p| {
            p["pipelineType"] = json!("V1");
            p["triggers"] = json!([trigger]);
        },
        "InvalidStructureException: Pipeline triggers are only supported for pipelines of type V2.",
    );
    let both = |p: &mut Value, triggers: Value| {
        p["pipelineType"] = json!("V2");
        p["triggers"] = triggers;
    };
    refused(
        |p| both(p, json!([trigger, trigger])),
        "InvalidStructureException: Only one trigger configuration is allowed per source action. Src has been used more than once.",
    );
    let elsewhere =
        json!({"providerType": "CodeStarSourceConnection", "gitConfiguration": {"sourceActionName": "Src"}});
    refused(
        |p| both(p, json!([elsewhere])),
        "InvalidStructureException: The trigger of source action 'Src' is not valid: its provider type is CodeStarSourceConnection, but the action's is CodeCommit.",
    );
    let none = json!({"providerType": "CodeCommit", "gitConfiguration": {"sourceActionName": "Compile"}});
    refused(
        |p| both(p, json!([none])),
        "InvalidStructureException: The trigger's source action 'Compile' is not a source action of the pipeline.",
    );
    refused(
        |p| both(p, Value::Array(vec![trigger.clone(); 51])),
        "LimitExceededException: Pipeline has 51 triggers, which is more than the maximum of 50.",
    );
}
