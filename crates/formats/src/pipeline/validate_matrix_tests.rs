//! Matrices of actions, and pipelines that an artifact brings along.

use serde_json::{Value, json};

use super::tests::*;
use super::validate;
use crate::pipeline::PipelineDeclaration;

fn in_build(configuration: Value, change: impl FnOnce(&mut Value)) -> Result<(), String> {
    pipeline(|p| {
        let build = &mut p["stages"][1]["actions"][0];
        build["outputArtifacts"] = json!([]);
        for (key, value) in configuration.as_object().unwrap() {
            build["configuration"][key] = value.clone();
        }
        p["stages"][2]["actions"][0]["inputArtifacts"] = json!([{"name": "Src"}]);
        change(p);
    })
}

#[test]
fn an_action_that_works_may_have_a_matrix() {
    let variables = r##"[{"name":"N","value":"#{matrix.value}"}]"##;
    let list = json!({"HeadworksMatrix": r#"["1","2"]"#, "EnvironmentVariables": variables});
    assert_eq!(in_build(list, |_| {}), Ok(()));
    assert_eq!(in_build(json!({"HeadworksMatrixFile": "Src::ci/matrix.json"}), |_| {}), Ok(()));
    // What variables make of it is seen when it runs.
    assert_eq!(
        in_build(json!({"HeadworksMatrix": "#{Source.BranchName}", "ProjectName": "#{matrix.p}"}), |_| {}),
        Ok(())
    );
}

#[test]
fn a_matrix_that_cannot_run_is_refused_and_says_where() {
    let list = || json!({"HeadworksMatrix": r#"["1","2"]"#});
    let keep = |_: &mut Value| {};
    let with = |key: &str, value: &str| json!({key: value});
    for (answer, why) in [
        (
            in_build(with("HeadworksMatrix", "[]"), keep),
            "action 'Compile': the value of 'HeadworksMatrix' is not valid: the list is empty",
        ),
        (in_build(with("HeadworksMatrix", r#"["1","1"]"#), keep), "run 2 has the same values as run 1"),
        (in_build(with("HeadworksMatrix", "x"), keep), "it is not JSON"),
        (in_build(with("HeadworksMatrix", "#{matrix.value}"), keep), "cannot refer to the values of its own runs"),
        (in_build(with("HeadworksMatrixFile", "Other::x"), keep), "with one of the action's input artifacts"),
        (in_build(with("HeadworksMatrixFile", "Src::../x"), keep), "with one of the action's input artifacts"),
        (in_build(json!({"HeadworksMatrix": r#"["1"]"#, "HeadworksMatrixFile": "Src::x"}), keep), "not both"),
        (
            in_build(json!({"HeadworksMatrix": r#"["1"]"#, "HeadworksMatrixLimit": "3"}), keep),
            "all runs of a matrix run side by side",
        ),
        (
            in_build(json!({"HeadworksMatrix": r#"["1"]"#, "ProjectName": "#{matrix.name}"}), keep),
            "a value that the runs of the matrix do not have",
        ),
        (in_build(json!({"ProjectName": "#{matrix.name}"}), keep), "a namespace that does not exist"),
        (
            in_build(list(), |p| p["stages"][1]["actions"][0]["outputArtifacts"] = json!([{"name": "App"}])),
            "declares output artifacts, which is not available",
        ),
        (
            in_build(list(), |p| {
                let mut twin = p["stages"][1]["actions"][0].clone();
                twin["name"] = json!("Compile@2");
                p["stages"][1]["actions"].as_array_mut().unwrap().push(twin);
            }),
            "'Compile@2' in stage 'Build' has the name of a run of action 'Compile'",
        ),
        (
            in_build(list(), |p| p["stages"][0]["actions"][0]["namespace"] = json!("matrix")),
            "namespace matrix is reserved",
        ),
        (
            in_build(json!({}), |p| {
                p["stages"][0]["actions"][0]["configuration"]["HeadworksMatrix"] = json!(r#"["1"]"#)
            }),
            "category Source does no work",
        ),
    ] {
        let error = answer.expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_namespace_may_be_called_matrix_where_there_is_none() {
    let named = pipeline(|p| {
        p["stages"][0]["actions"][0]["namespace"] = json!("matrix");
        p["stages"][1]["actions"][0]["configuration"]["ProjectName"] = json!("#{matrix.BranchName}");
    });
    assert_eq!(named, Ok(()));
}

#[test]
fn pipelines_that_are_brought_along_have_names_of_their_own_across_stages() {
    let fan = |name: &str, more: Value| {
        let mut fan = json!({"name": name, "configuration": {"HeadworksDefinition": "Src::plan.json"},
            "actionTypeId": {"category": "Invoke", "owner": "AWS", "provider": "CodePipeline", "version": "1"},
            "inputArtifacts": [{"name": "Src"}]});
        fan["configuration"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fan
    };
    let of = |other: &str| {
        let value = json!({
            "name": "demo", "roleArn": "arn:aws:iam::123456789012:role/p", "pipelineType": "V2",
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "stages": [{"name": "Source", "actions": [source()]},
                {"name": "A", "actions": [fan("Fan", json!({"HeadworksMatrix": "[\"x\"]"}))]},
                {"name": "B", "actions": [fan(other, json!({}))]}],
        });
        let declaration: PipelineDeclaration = serde_json::from_value(value).unwrap();
        validate(&declaration, "eu-west-1").map_err(|p| p.to_string())
    };
    assert!(of("Fan@1").unwrap_err().contains("the name of a run of action 'Fan'"));
    assert_eq!(of("Fan@x"), Ok(()));
}
