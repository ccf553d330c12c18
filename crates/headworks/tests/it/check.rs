//! `headworks check` and `headworks schema` as people and programs call them.

use std::fs;
use std::path::Path;

use serde_json::Value;

const GOOD: &str = "version: 0.2\nphases:\n  build:\n    commands: make\n";
const WARNING: &str = "version: 0.2\nphase: {}\nphases:\n  build:\n    commands: make\n";
const BAD: &str = "version: 0.2\nextra: 1\nphases:\n  builds:\n    commands:\n      - make\n";

struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

#[expect(clippy::disallowed_methods, reason = "the command line is what is tested")]
fn headworks(dir: &Path, words: &[&str]) -> Said {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_headworks")).args(words).current_dir(dir).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("good.yml", GOOD), ("warning.yml", WARNING), ("bad file.yml", BAD)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    fs::write(dir.path().join("appspec.yml"), "version: 0.0\nos: linux\n").unwrap();
    fs::write(dir.path().join("notes.txt"), "hello\n").unwrap();
    fs::write(dir.path().join("binary.yml"), [b'a', 0xff, 0xfe]).unwrap();
    dir
}

#[test]
fn the_exit_code_says_how_it_went() {
    let dir = folder();
    let code = |words: &[&str]| headworks(dir.path(), words).code;
    assert_eq!(code(&["check", "good.yml"]), Some(0));
    assert_eq!(code(&["check", "good.yml", "warning.yml"]), Some(0));
    assert_eq!(code(&["check", "good.yml", "bad file.yml"]), Some(1));
    assert_eq!(code(&["check", "bad file.yml", "missing.yml"]), Some(2));
    assert_eq!(code(&["check", "binary.yml"]), Some(2));
    assert_eq!(code(&["check", "."]), Some(2));
    assert_eq!(code(&["check"]), Some(2));
}

#[test]
fn text_has_a_line_for_each_finding_and_errors_come_first() {
    let dir = folder();
    let said = headworks(dir.path(), &["check", "warning.yml", "bad file.yml"]);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(
        lines,
        [
            "bad file.yml:4:3: error[B012]: phase 'builds' is not known; did you mean 'build'?",
            "warning.yml:2:1: warning[B003]: key 'phase' is not known and has no effect; did you mean 'phases'?",
            "bad file.yml:2:1: warning[B003]: key 'extra' is not known and has no effect",
        ]
    );
    assert_eq!(said.err, "1 error and 2 warnings in 2 files\n");
}

#[test]
fn json_and_sarif_are_documents() {
    let dir = folder();
    let said = headworks(dir.path(), &["check", "--format", "json", "bad file.yml", "good.yml"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["errors"], 1);
    assert_eq!(json["files"][0]["kind"], "buildspec");
    assert_eq!(json["files"][0]["diagnostics"][1]["code"], "B012");
    assert_eq!(json["files"][0]["diagnostics"][1]["line"], 4);
    assert_eq!(json["files"][1]["diagnostics"], serde_json::json!([]));

    let said = headworks(dir.path(), &["check", "--format", "sarif", "bad file.yml"]);
    assert_eq!(said.code, Some(1));
    let sarif: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let result = &run["results"][1];
    assert_eq!(result["ruleId"], "B012");
    assert_eq!(result["level"], "error");
    let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], "B012");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "bad%20file.yml");
    assert_eq!(place["region"]["startLine"], 4);
}

#[test]
fn kinds_that_are_not_built_are_named() {
    let dir = folder();
    let said = headworks(dir.path(), &["check", "appspec.yml"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("appspec.yml: checking files of kind appspec is not built yet"), "{}", said.err);
    let said = headworks(dir.path(), &["check", "notes.txt"]);
    assert!(said.err.contains("--kind"), "{}", said.err);
    let said = headworks(dir.path(), &["check", "--kind", "buildspec", "notes.txt"]);
    assert!(said.out.contains("notes.txt:1:1: error[B001]"), "{}", said.out);
    let said = headworks(dir.path(), &["schema", "component"]);
    assert!(said.code == Some(2) && said.err.contains("component is not built yet"), "{}", said.err);
}

#[test]
fn codes_are_explained_and_the_schema_is_json() {
    let dir = folder();
    let said = headworks(dir.path(), &["check", "--explain", "b012"]);
    assert_eq!(said.code, Some(0));
    assert!(said.out.starts_with("B012: a phase is not known\n\n"), "{}", said.out);
    let said = headworks(dir.path(), &["check", "--explain", "B999"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("there is no code B999"), "{}", said.err);
    let said = headworks(dir.path(), &["schema", "buildspec"]);
    let schema: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(schema["required"], serde_json::json!(["version"]));
    assert_eq!(schema["anyOf"][0], serde_json::json!({ "required": ["phases"] }));
}

/// As in AWS's own `aws-encryption-sdk-python`, whose builds all have buildspecs of their own.
#[test]
fn a_batch_needs_no_phases() {
    let dir = folder();
    let text = "version: 0.2\nbatch:\n  build-list:\n    - {identifier: a, buildspec: a.yml}\n";
    fs::write(dir.path().join("batch.yml"), text).unwrap();
    let said = headworks(dir.path(), &["check", "--kind", "buildspec", "batch.yml"]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    fs::write(dir.path().join("batch.yml"), "version: 0.2\nbatch:\n").unwrap();
    let said = headworks(dir.path(), &["check", "--kind", "buildspec", "batch.yml"]);
    assert!(said.code == Some(1) && said.out.contains("error[B010]"), "{}", said.out);
}

const TEMPLATE: &str = "Resources:
  P:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      RoleArn: !GetAtt Role.Arn
      ArtifactStore: {Type: S3, Location: !Ref Bucket}
      Stages:
      - Name: Source
        Actions:
        - Name: Code
          ActionTypeId: {Category: Source, Owner: AWS, Provider: CodeCommit, Version: 1}
          Configuration: {RepositoryName: shop, Branch: main}
          OutputArtifacts: [{Name: Code}]
      - Name: Build
        Actions:
        - Name: Compile
          ActionTypeId: {Category: Build, Owner: AWS, Provider: CodeBuild, Version: 1}
          Configuration: {ProjectName: !Ref Project}
          InputArtifacts: [{Name: Code}]
";

#[test]
fn pipelines_in_templates_are_checked() {
    let dir = folder();
    fs::write(dir.path().join("bad.template.yml"), TEMPLATE).unwrap();
    fs::write(dir.path().join("good.template.yml"), TEMPLATE.replace("Branch:", "BranchName:")).unwrap();
    fs::write(dir.path().join("bucket.yml"), "Resources: {B: {Type: 'AWS::S3::Bucket'}}\n").unwrap();
    let said = headworks(dir.path(), &["check", "bad.template.yml"]);
    let expected = "bad.template.yml:12:26: error[P012]: Action configuration for action 'Code' is missing required \
                    configuration 'BranchName'\n\
                    bad.template.yml:12:57: error[P012]: Action configuration for action 'Code' contains unknown \
                    configuration 'Branch'\n";
    assert_eq!((said.code, said.out.as_str()), (Some(1), expected));
    assert_eq!(headworks(dir.path(), &["check", "good.template.yml"]).code, Some(0));
    let said = headworks(dir.path(), &["check", "bucket.yml"]);
    assert!(said.code == Some(2) && said.err.contains("it has no AWS::CodePipeline::Pipeline"), "{}", said.err);
    let said = headworks(dir.path(), &["check", "--explain", "P012"]);
    assert!(said.code == Some(0) && said.out.starts_with("P012: an action is not valid"), "{}", said.out);
    let said = headworks(dir.path(), &["schema", "pipeline"]);
    let schema: Value = serde_json::from_str(&said.out).unwrap();
    assert!(schema["$defs"]["pipeline"]["properties"]["stages"].is_object());
}
