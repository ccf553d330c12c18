use base::{AccountId, Region, Scope};
use platform::needs::{Asked, Need};
use serde_json::{Value, json};

type Table = fn(&Asked<'_>) -> Option<Vec<Need>>;

fn ask(service: &str, operation: &str, input: &Value) -> Vec<(String, Vec<String>)> {
    let table: Table = match service {
        "codebuild" => super::codebuild::needs,
        "codecommit" => super::codecommit::needs,
        _ => super::codepipeline::needs,
    };
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-central-1").unwrap() };
    let needs = table(&Asked { scope: &scope, service, operation, input }).unwrap();
    needs.into_iter().map(|n| (n.action, n.resources)).collect()
}

fn at(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:eu-central-1:123456789012:{rest}")
}

fn resource(service: &str, operation: &str, input: &Value) -> Vec<String> {
    ask(service, operation, input).remove(0).1
}

#[test]
fn builds_are_reached_through_their_projects_and_reports_through_their_groups() {
    let project = [at("codebuild", "project/demo")];
    for (operation, input) in [
        ("StartBuild", json!({ "projectName": "demo" })),
        ("CreateProject", json!({ "name": "demo" })),
        ("BatchGetProjects", json!({ "names": project })),
        ("StopBuild", json!({ "id": "demo:1-2" })),
        ("BatchGetBuilds", json!({ "ids": [at("codebuild", "build/demo:1-2")] })),
        ("StopBuildBatch", json!({ "id": at("codebuild", "build-batch/demo:1-2") })),
    ] {
        assert_eq!(resource("codebuild", operation, &input), project, "{operation}");
    }
    let report = json!({ "reportArn": at("codebuild", "report/demo-unit:1-2") });
    assert_eq!(resource("codebuild", "DescribeTestCases", &report), [at("codebuild", "report-group/demo-unit")]);
}

#[test]
fn repositories_and_the_parts_of_pipelines_are_their_arns() {
    let names = json!({ "repositoryNames": ["a", "b"] });
    let two = [at("codecommit", "a"), at("codecommit", "b")];
    assert_eq!(resource("codecommit", "BatchGetRepositories", &names), two);
    let approval = json!({ "pipelineName": "p", "stageName": "s", "actionName": "a" });
    assert_eq!(resource("codepipeline", "PutApprovalResult", &approval), [at("codepipeline", "p/s/a")]);
    assert_eq!(resource("codepipeline", "DisableStageTransition", &approval), [at("codepipeline", "p/s")]);
    let created = json!({ "pipeline": { "name": "p" } });
    assert_eq!(resource("codepipeline", "CreatePipeline", &created), [at("codepipeline", "p")]);
}

#[test]
fn a_renamed_repository_is_known_by_both_names() {
    let rename = json!({ "oldName": "a", "newName": "b" });
    let both = [at("codecommit", "a"), at("codecommit", "b")];
    assert_eq!(resource("codecommit", "UpdateRepositoryName", &rename), both);
}

#[test]
fn a_resource_that_is_not_named_is_not_known() {
    for (service, operation) in
        [("codecommit", "GetBranch"), ("codepipeline", "PutApprovalResult"), ("codebuild", "StartBuild")]
    {
        assert_eq!(resource(service, operation, &json!({})), [""; 0], "{operation}");
    }
}

#[test]
fn a_role_that_a_service_is_to_act_as_must_be_passed_to_it() {
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let passed = |service: &str, operation: &str, input: Value| {
        let needs = ask(service, operation, &input).into_iter().filter(|(action, _)| action == "iam:PassRole");
        needs.flat_map(|(_, resources)| resources).collect::<Vec<_>>()
    };
    for (operation, input) in [
        ("CreateProject", json!({ "name": "demo", "serviceRole": role("r") })),
        ("UpdateProject", json!({ "name": "demo", "serviceRole": role("r") })),
        ("UpdateProject", json!({ "name": "demo", "buildBatchConfig": { "serviceRole": role("r") } })),
        ("StartBuild", json!({ "projectName": "demo", "serviceRoleOverride": role("r") })),
        ("StartBuildBatch", json!({ "projectName": "demo", "serviceRoleOverride": role("r") })),
    ] {
        assert_eq!(passed("codebuild", operation, input), [role("r")], "{operation}");
    }
    assert_eq!(passed("codebuild", "StartBuild", json!({ "projectName": "demo" })), [""; 0]);
    let pipeline = json!({ "pipeline": {
        "name": "p",
        "roleArn": role("pipeline"),
        "stages": [{ "name": "s", "actions": [{ "name": "a", "roleArn": role("action") }, { "name": "b" }] }],
    } });
    for operation in ["CreatePipeline", "UpdatePipeline"] {
        assert_eq!(passed("codepipeline", operation, pipeline.clone()), [role("action"), role("pipeline")]);
    }
}
