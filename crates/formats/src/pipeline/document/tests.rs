use std::io::Read as _;

use serde_json::Value as Json;

use super::*;

const SOUND: &str = r#"{
  "pipeline": {
    "name": "demo",
    "roleArn": "arn:aws:iam::123456789012:role/p",
    "artifactStore": {"type": "S3", "location": "artifacts"},
    "stages": [
      {"name": "Source", "actions": [{
        "name": "Src",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
        "configuration": {"S3Bucket": "b", "S3ObjectKey": "k"},
        "outputArtifacts": [{"name": "Src"}]
      }]},
      {"name": "Ok", "actions": [{
        "name": "Ask",
        "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
      }]}
    ]
  },
  "metadata": {"pipelineArn": "arn:aws:codepipeline:eu-west-1:123456789012:demo"}
}"#;

fn said(text: &str) -> Vec<String> {
    read(text, Some("eu-west-1")).diagnostics.iter().map(|d| d.in_file("f").to_string()).collect()
}

#[track_caller]
fn changed(from: &str, to: &str, expected: &str) {
    assert!(SOUND.contains(from), "{from}");
    assert_eq!(said(&SOUND.replace(from, to)), [expected]);
}

#[test]
fn a_sound_pipeline_is_read() {
    let found = read(SOUND, Some("eu-west-1"));
    assert_eq!(found.diagnostics, []);
    assert_eq!(found.pipeline.unwrap().stages.len(), 2);
}

#[test]
fn a_matrix_is_looked_at_where_it_stands_and_aws_does_not_know_it() {
    let build = |configuration: &str| {
        let from = r#"{"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}"#;
        let to = format!(
            "{{\"category\": \"Build\", \"owner\": \"AWS\", \"provider\": \"CodeBuild\", \"version\": \"1\"}},\n\
             \"inputArtifacts\": [{{\"name\": \"Src\"}}], \"configuration\": {{\"ProjectName\": \"p\",\n{configuration}}}"
        );
        said(&SOUND.replace(from, &to))
    };
    let ours = "warning[P033]: AWS refuses a pipeline with 'HeadworksMatrix': it is a key of Headworks";
    assert_eq!(build(r#""HeadworksMatrix": "[\"1\", \"2\"]""#), [format!("f:17:20: {ours}")]);
    let wrong = "error[P012]: Action configuration for action 'Ask': the value of 'HeadworksMatrix' is not valid: run 2 has the \
                 same values as run 1";
    assert_eq!(
        build(r#""HeadworksMatrix": "[\"1\", \"1\"]""#),
        [format!("f:17:20: {wrong}"), format!("f:17:20: {ours}")]
    );
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    changed(
        "\"S3ObjectKey\": \"k\"",
        "\"S3ObjectKey\": 7, \"Key\": \"x\"",
        "f:10:69: error[P012]: Action configuration for action 'Src' contains unknown configuration 'Key'",
    );
    changed(
        "\"actions\": [{\n        \"name\": \"Ask\"",
        "\"action\": [], \"actions\": [{\n        \"name\": \"Ask\"",
        "f:13:22: error[P003]: 'action' is not a member of an item of 'stages'; did you mean 'actions'?",
    );
    changed(
        "\"version\": \"1\"}\n      }]",
        "\"version\": \"1 2\"}\n      }]",
        "f:15:99: error[P004]: 'version' is '1 2': it must consist of letters, digits and _-, not ' '",
    );
    changed(
        "role/p",
        "user/p",
        "f:4:16: error[P004]: 'roleArn' is 'arn:aws:iam::123456789012:user/p': it must be arn:aws:iam::ACCOUNT:role/NAME",
    );
    changed("\"provider\": \"Manual\", ", "", "f:15:25: error[P002]: 'actionTypeId' has no 'provider'");
    changed(
        "[{\"name\": \"Src\"}]",
        "{\"name\": \"Src\"}",
        "f:11:28: error[P001]: 'outputArtifacts' must be a list, not a mapping",
    );
    changed(
        "\"name\": \"Ok\"",
        "\"name\": \"Source\"",
        "f:13:16: error[P010]: Stage names must be unique within the pipeline. Source has been used more than once.",
    );
}

#[test]
fn mistakes_that_do_not_follow_from_one_another_are_all_shown() {
    let text = SOUND
        .replace("\"provider\": \"S3\"", "\"provider\": \"S4\"")
        .replace("\"provider\": \"Manual\"", "\"provider\": \"Auto\"");
    assert_eq!(said(&text).len(), 2, "{:?}", said(&text));
}

fn in_stage(name: &str, more: &str) -> String {
    let action = "Actions: [{Name: Ask, ActionTypeId: {Category: Approval, Owner: AWS, Provider: Manual, Version: 1}}]";
    format!("{{Name: {name}, {action}{more}}}")
}

fn template(stages: &[String], more: &str) -> String {
    let source = "Name: Src, ActionTypeId: {Category: Source, Owner: AWS, Provider: S3, Version: 1}, Configuration: \
                  {S3Bucket: b, S3ObjectKey: k}, OutputArtifacts: [{Name: Src}]";
    let stages: String = stages.iter().map(|stage| format!("      - {stage}\n")).collect();
    format!(
        "Conditions:\n  IsProd: !Equals [!Ref AWS::Region, eu-west-1]\nResources:\n  P:\n    Type: AWS::CodePipeline::Pipeline\n    \
         Properties:\n      RoleArn: !GetAtt R.Arn\n      PipelineType: V2\n      ArtifactStore: {{Type: S3, Location: !Ref \
         B}}\n{more}      Stages:\n      - {{Name: Source, Actions: [{{{source}}}]}}\n{stages}"
    )
}

fn said_of_template(text: &str, region: Option<&str>) -> Vec<String> {
    let (root, _) = crate::yaml::parse(text).unwrap();
    let found = in_template(&root, region).remove(0).diagnostics;
    found.iter().map(|d| d.in_file("f").to_string()).collect()
}

#[test]
fn what_is_wrong_whichever_way_a_condition_goes_is_shown_among_what_is_wrong_one_way() {
    let skip = ", OnFailure: {Result: SKIP}";
    let either = format!("!If [IsProd, {}, !Ref AWS::NoValue]", in_stage("D", skip));
    let text = template(&[either, in_stage("C", skip)], "");
    let of = |stage: &str| format!("error[P011]: Stage '{stage}' declares onFailure: it cannot have the result SKIP.");
    let line = |stage: &str, line: usize| {
        let column = text.lines().nth(line - 1).unwrap().find("SKIP").unwrap() + 1;
        format!("f:{line}:{column}: {}", of(stage))
    };
    assert_eq!(said_of_template(&text, None), [line("C", 13)]);
    assert_eq!(said_of_template(&text, Some("us-east-1")), [line("C", 13)]);
    assert_eq!(said_of_template(&text, Some("eu-west-1")), [line("D", 12), line("C", 13)]);
}

#[test]
fn each_wrong_stage_action_and_rule_is_shown_where_it_is_wrong() {
    let rule = |name: &str, key: &str| {
        format!(
            "{{Name: {name}, RuleTypeId: {{Category: Rule, Owner: AWS, Provider: VariableCheck, Version: 1}}, Configuration: \
                 {{Variable: a, Operator: EQ, Value: b, {key}: 1}}}}"
        )
    };
    let rules =
        format!(", OnSuccess: {{Conditions: [{{Result: FAIL, Rules: [{}, {}]}}]}}", rule("One", "X"), rule("Two", "Y"));
    let action = "{Name: B, Actions: [{Name: Put, ActionTypeId: {Category: Deploy, Owner: AWS, Provider: S3, Version: 1}, \
                  InputArtifacts: [{Name: Nope}], Configuration: {BucketName: b, Extract: maybe, CannedACL: public}}]}";
    let stages = [in_stage("A", ", OnFailure: {Result: SKIP}"), action.to_owned(), in_stage("C", &rules)];
    let text = template(&stages, "");
    let at =
        |line: usize, what: &str| format!("f:{line}:{}:", text.lines().nth(line - 1).unwrap().find(what).unwrap() + 1);
    let expected = [
        (at(12, "SKIP"), "P011"),
        (at(13, "{Name: Nope"), "P012"),
        (at(13, "maybe"), "P012"),
        (at(13, "public"), "P012"),
        (at(14, "1}}, {Name"), "P011"),
        (at(14, "1}}]}]"), "P011"),
    ];
    let said = said_of_template(&text, None);
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, (at, code)) in said.iter().zip(expected) {
        assert!(said.starts_with(&format!("{at} error[{code}]: ")), "{at} {code}: {said}");
    }
}

#[test]
fn what_headworks_alone_refuses_has_a_code_of_its_own() {
    let rule = "{Name: One, Region: us-east-1, RuleTypeId: {Category: Rule, Owner: AWS, Provider: VariableCheck, Version: 1}, \
                Configuration: {Variable: a, Operator: EQ, Value: b}}";
    let text =
        template(&[in_stage("A", &format!(", OnSuccess: {{Conditions: [{{Result: FAIL, Rules: [{rule}]}}]}}"))], "");
    let said = said_of_template(&text, Some("eu-west-1"));
    assert!(
        said.len() == 1 && said[0].contains("error[P029]: ") && said[0].contains("rules of another region"),
        "{said:?}"
    );
    assert_eq!(said_of_template(&text, Some("us-east-1")), Vec::<String>::new());
}

#[test]
fn a_missing_output_is_told_once_and_not_of_all_who_take_it() {
    let text = SOUND.replace(",\n        \"outputArtifacts\": [{\"name\": \"Src\"}]", "").replace(
        r#"{"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}"#,
        r#"{"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
           "inputArtifacts": [{"name": "Src"}], "configuration": {"ProjectName": "p"}"#,
    );
    let said = said(&text);
    assert!(said.len() == 1 && said[0].contains("Action Src declares 0 output artifacts"), "{said:?}");
}

#[test]
fn a_transition_that_a_template_disables_leads_into_one_of_its_stages() {
    let stages = [in_stage("Deploy", "")];
    let closed = |name: &str, reason: &str| {
        let more = format!("      DisableInboundStageTransitions: [{{StageName: {name}, Reason: {reason}}}]\n");
        said_of_template(&template(&stages, &more), None)
    };
    assert_eq!(closed("Deploy", "not yet (ask bob@here!)"), Vec::<String>::new());
    assert_eq!(closed("!Ref Name", "x"), Vec::<String>::new());
    let unknown =
        "error[P015]: the pipeline has no stage 'Deplow' whose transition could be disabled; did you mean 'Deploy'?";
    assert_eq!(closed("Deplow", "x"), [format!("f:10:52: {unknown}")]);
    let letters = closed("Deploy", "a/b");
    assert!(letters.len() == 1 && letters[0].contains("error[P004]: 'Reason' is 'a/b'"), "{letters:?}");
    let long = closed("Deploy", &"x".repeat(301));
    assert!(long.len() == 1 && long[0].contains("1 to 300 characters, not 301"), "{long:?}");
}

#[test]
fn a_file_that_is_no_pipeline_says_so() {
    assert_eq!(said("[1]"), ["f:1:1: error[P021]: the file is not a pipeline: it has neither 'stages' nor 'pipeline'"]);
    assert!(said("{")[0].contains("error[Y001]"));
    assert!(said("pipeline: {stages: 1}").len() >= 2);
}

#[test]
fn secrets_in_the_open_are_seen() {
    let template = |token: &str| {
        format!(
            "Resources:\n  P:\n    Type: AWS::CodePipeline::Pipeline\n    Properties:\n      RoleArn: !Ref R\n      Stages:\n      - Name: S\n        Actions:\n        - Name: A\n          ActionTypeId: {{Category: Source, Owner: ThirdParty, Provider: GitHub, Version: 1}}\n          Configuration:\n            OAuthToken: {token}\n"
        )
    };
    let codes = |token: &str| {
        let text = template(token);
        let (root, _) = crate::yaml::parse(&text).unwrap();
        let found = in_template(&root, None).remove(0).diagnostics;
        found.iter().map(|d| d.code).filter(|c| *c == "P031").count()
    };
    assert_eq!(codes("ghp_abc"), 1);
    assert_eq!(codes("!Ref Token"), 0);
    assert_eq!(codes("'{{resolve:secretsmanager:t}}'"), 0);
}

#[test]
fn what_a_template_leaves_open_is_no_mistake() {
    let text = "Resources:\n  P:\n    Type: AWS::CodePipeline::Pipeline\n    Properties:\n      RoleArn: !GetAtt R.Arn\n      ArtifactStore: {Type: S3, Location: !Ref B}\n      Stages: !Ref Stages\n";
    let (root, _) = crate::yaml::parse(text).unwrap();
    let found = in_template(&root, None).remove(0);
    let said: Vec<String> = found.diagnostics.iter().map(|d| d.in_file("f").to_string()).collect();
    assert_eq!(
        said,
        ["f:7:15: warning[P020]: 'Stages' is settled when the template is deployed; it was not looked at"]
    );
}

/// The published model, as far as the shapes follow it.
#[test]
fn the_shapes_are_those_of_the_published_model() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/codepipeline.json.gz");
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let model: Json = serde_json::from_str(&text).unwrap();
    let schema = schema();
    let mut seen = 0;
    same(&model["shapes"], "PipelineDeclaration", &schema["$defs"]["pipeline"], &mut seen);
    assert!(seen > 80, "{seen}");
}

fn same(shapes: &Json, name: &str, ours: &Json, seen: &mut usize) {
    *seen += 1;
    let shape = &shapes[name];
    match shape["type"].as_str().unwrap() {
        "structure" => {
            let members = shape["members"].as_object().unwrap();
            let names: Vec<&String> = ours["properties"].as_object().unwrap().keys().collect();
            assert_eq!(names, members.keys().collect::<Vec<_>>(), "{name}");
            let sorted = |list: &Json| {
                let mut names: Vec<String> = list.as_array().into_iter().flatten().map(|n| n.to_string()).collect();
                names.sort();
                names
            };
            assert_eq!(sorted(&ours["required"]), sorted(&shape["required"]), "{name}");
            for (member, target) in members {
                same(shapes, target["shape"].as_str().unwrap(), &ours["properties"][member], seen);
            }
        }
        "list" => {
            assert_eq!(ours["minItems"].as_u64(), shape["min"].as_u64().filter(|n| *n > 0), "{name}");
            assert_eq!(ours["maxItems"].as_u64(), shape["max"].as_u64(), "{name}");
            same(shapes, shape["member"]["shape"].as_str().unwrap(), &ours["items"], seen);
        }
        "map" => same(shapes, shape["value"]["shape"].as_str().unwrap(), &ours["additionalProperties"], seen),
        "integer" => assert_eq!(ours["minimum"].as_u64(), shape["min"].as_u64(), "{name}"),
        // Beyond AWS: triggers name other providers as well.
        "string" if name == "PipelineTriggerProviderType" => {}
        "string" if shape["enum"].is_array() => {
            let sorted = |list: &Json| {
                let mut words: Vec<String> = list.as_array().unwrap().iter().map(|n| n.to_string()).collect();
                words.sort();
                words
            };
            assert_eq!(sorted(&ours["enum"]), sorted(&shape["enum"]), "{name}");
        }
        "string" => {
            assert_eq!(ours["minLength"].as_u64(), shape["min"].as_u64().filter(|n| *n > 0), "{name}");
            assert_eq!(ours["maxLength"].as_u64(), shape["max"].as_u64(), "{name}");
        }
        other => panic!("{name} is a {other}"),
    }
}
