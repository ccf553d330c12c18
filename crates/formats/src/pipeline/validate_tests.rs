use serde_json::{Value, json};

use super::super::PipelineDeclaration;
use super::validate;

pub(super) fn action(name: &str, category: &str, provider: &str, more: Value) -> Value {
    let mut action = json!({
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
    });
    for (key, value) in more.as_object().unwrap() {
        action[key] = value.clone();
    }
    action
}

pub(super) fn source() -> Value {
    action(
        "Src",
        "Source",
        "CodeCommit",
        json!({"configuration": {"RepositoryName": "r", "BranchName": "main"}, "outputArtifacts": [{"name": "Src"}], "namespace": "Source"}),
    )
}

pub(super) fn build() -> Value {
    action(
        "Compile",
        "Build",
        "CodeBuild",
        json!({"configuration": {"ProjectName": "p"}, "inputArtifacts": [{"name": "Src"}], "outputArtifacts": [{"name": "App"}]}),
    )
}

pub(super) fn deploy() -> Value {
    action(
        "Put",
        "Deploy",
        "S3",
        json!({"configuration": {"BucketName": "b", "Extract": "true"}, "inputArtifacts": [{"name": "App"}]}),
    )
}

pub(super) fn pipeline(change: impl FnOnce(&mut Value)) -> Result<(), String> {
    let mut value = json!({
        "name": "demo",
        "roleArn": "arn:aws:iam::123456789012:role/p",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [source()]},
            {"name": "Build", "actions": [build()]},
            {"name": "Deploy", "actions": [deploy()]},
        ],
    });
    change(&mut value);
    let declaration: PipelineDeclaration = serde_json::from_value(value).unwrap();
    validate(&declaration, "eu-west-1").map_err(|p| format!("{}: {p}", p.code()))
}

#[track_caller]
pub(super) fn refused(change: impl FnOnce(&mut Value), expected: &str) {
    assert_eq!(pipeline(change), Err(expected.to_owned()));
}

#[test]
fn a_sound_pipeline_passes() {
    assert_eq!(pipeline(|_| ()), Ok(()));
}

#[test]
fn two_stages_are_the_least() {
    refused(
        |p| p["stages"] = json!([{"name": "Source", "actions": [source()]}]),
        "InvalidStructureException: Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline.",
    );
}

#[test]
fn the_first_stage_has_source_actions_alone_and_no_other_stage_has_one() {
    refused(
        |p| p["stages"][0]["actions"] = json!([source(), build()]),
        "InvalidStructureException: Pipeline should start with a stage that only contains source actions",
    );
    refused(
        |p| p["stages"][1]["actions"] = json!([source()]),
        "InvalidStructureException: Only the first stage of a pipeline may contain source actions, but stage 'Build' contains the source action 'Src'.",
    );
}

#[test]
fn names_are_unique() {
    refused(
        |p| p["stages"][2]["name"] = json!("Build"),
        "InvalidStructureException: Stage names must be unique within the pipeline. Build has been used more than once.",
    );
    refused(
        |p| p["stages"][1]["actions"] = json!([build(), build()]),
        "InvalidStageDeclarationException: Action names must be unique within a stage. Compile has been used more than once in stage 'Build'.",
    );
    refused(
        |p| p["stages"][2]["actions"][0]["namespace"] = json!("Source"),
        "InvalidActionDeclarationException: Namespaces must be unique across the pipeline definition. The following occur more than once in the pipeline. StageName=[Deploy], ActionName=[Put], Namespace=[Source]",
    );
}

#[test]
fn an_artifact_is_made_once_and_before_it_is_used() {
    refused(
        |p| p["stages"][1]["actions"][0]["outputArtifacts"] = json!([{"name": "Src"}]),
        "InvalidStructureException: Output Artifact Bundle name must be unique within the pipeline. Src has been used more than once.",
    );
    let missing = "InvalidActionDeclarationException: Input Artifact Bundle App in action Put is not declared as Output Artifact Bundle in any of the preceding actions";
    refused(|p| p["stages"][1]["actions"][0]["outputArtifacts"] = json!([]), missing);
    // Equal run order: side by side, so not before.
    refused(
        |p| {
            p["stages"][1]["actions"] = json!([build(), deploy()]);
            p["stages"][2]["actions"] = json!([action("Ok", "Approval", "Manual", json!({}))]);
        },
        missing,
    );
    let later = |p: &mut Value| {
        let mut put = deploy();
        put["runOrder"] = json!(2);
        p["stages"][1]["actions"] = json!([put, build()]);
        p["stages"].as_array_mut().unwrap().pop();
    };
    assert_eq!(pipeline(later), Ok(()));
}

#[test]
fn a_cycle_of_artifact_names_is_refused() {
    refused(
        |p| {
            let mut one = build();
            one["inputArtifacts"] = json!([{"name": "Two"}]);
            let mut two = build();
            two["name"] = json!("Again");
            two["inputArtifacts"] = json!([{"name": "App"}]);
            two["outputArtifacts"] = json!([{"name": "Two"}]);
            p["stages"][1]["actions"] = json!([one, two]);
        },
        "InvalidActionDeclarationException: Input Artifact Bundle Two in action Compile is not declared as Output Artifact Bundle in any of the preceding actions",
    );
}

#[test]
fn artifact_counts_follow_the_action_type() {
    refused(
        |p| p["stages"][1]["actions"][0]["inputArtifacts"] = json!([]),
        "InvalidActionDeclarationException: Action Compile declares 0 input artifacts which is less than the minimum count (1)",
    );
    refused(
        |p| p["stages"][2]["actions"][0]["outputArtifacts"] = json!([{"name": "X"}]),
        "InvalidActionDeclarationException: Action Put declares 1 output artifacts which is more than the maximum count (0)",
    );
}

#[test]
fn an_action_type_that_we_do_not_have_is_named() {
    refused(
        |p| p["stages"][2]["actions"] = json!([action("Ship", "Deploy", "Ferry", json!({}))]),
        "InvalidActionDeclarationException: ActionType (Category: 'Deploy', Provider: 'Ferry', Owner: 'AWS', Version: '1') in action 'Ship' is not available in region 'EU_WEST_1'",
    );
}

#[test]
fn commands_are_for_pipelines_of_type_v2_and_take_a_line_each() {
    let with = |kind: &'static str, commands: serde_json::Value| {
        move |p: &mut serde_json::Value| {
            p["pipelineType"] = json!(kind);
            let mut run = action("Run", "Compute", "Commands", json!({}));
            run["inputArtifacts"] = json!([{"name": p["stages"][0]["actions"][0]["outputArtifacts"][0]["name"]}]);
            run["commands"] = commands;
            p["stages"][1]["actions"].as_array_mut().unwrap().push(run);
        }
    };
    refused(
        with("V1", json!(["make"])),
        "InvalidStructureException: The Commands action is only supported for pipelines of type V2.",
    );
    let prefix = "InvalidActionDeclarationException: Action 'Run':";
    refused(with("V2", json!([])), &format!("{prefix} a Commands action needs at least one command"));
    refused(with("V2", json!(["a\nb"])), &format!("{prefix} a command must be a single line"));
}

#[test]
fn what_commands_refer_to_and_run_on_is_checked() {
    let with = |command: &str, configuration: Value| {
        pipeline(|p| {
            p["stages"][1]["actions"][0] = json!({
                "name": "Make", "actionTypeId": {"category": "Compute", "owner": "AWS", "provider": "Commands", "version": "1"},
                "inputArtifacts": [{"name": "Src"}], "outputArtifacts": [{"name": "App", "files": ["app"]}],
                "commands": ["make", command], "configuration": configuration,
            });
        })
    };
    assert_eq!(with("echo #{codepipeline.PipelineExecutionId} ${#x} #{y}", json!({})), Ok(()));
    let unknown = with("echo #{Nope.Key}", json!({})).unwrap_err();
    assert!(unknown.contains("a namespace that does not exist") && unknown.contains("[Nope.Key]"), "{unknown}");
    assert_eq!(
        with("true", json!({"ComputeType": "BUILD_GENERAL1_LARGE", "EnvironmentType": "LINUX_CONTAINER"})),
        Ok(())
    );
    for (key, value) in [("ComputeType", "HUGE"), ("EnvironmentType", "WINDOWS_SERVER_2022_CONTAINER")] {
        let wrong = with("true", json!({key: value})).unwrap_err();
        assert!(wrong.starts_with("InvalidActionDeclarationException") && wrong.contains(value), "{wrong}");
    }
}

#[test]
fn configuration_keys_are_known_and_complete() {
    refused(
        |p| p["stages"][1]["actions"][0]["configuration"]["Projekt"] = json!("x"),
        "InvalidActionDeclarationException: Action configuration for action 'Compile' contains unknown configuration 'Projekt'",
    );
    refused(
        |p| p["stages"][0]["actions"][0]["configuration"] = json!({"RepositoryName": "r"}),
        "InvalidActionDeclarationException: Action configuration for action 'Src' is missing required configuration 'BranchName'",
    );
    refused(
        |p| p["stages"][2]["actions"][0]["configuration"]["Extract"] = json!("yes"),
        "InvalidActionDeclarationException: Action configuration for action 'Put': the value 'yes' of 'Extract' is not one of true, false",
    );
}

#[test]
fn references_name_an_earlier_namespace() {
    let with = |text: &'static str| {
        move |p: &mut Value| p["stages"][2]["actions"][0]["configuration"]["ObjectKey"] = json!(text)
    };
    assert_eq!(pipeline(with("#{Source.CommitId}/#{codepipeline.PipelineExecutionId}")), Ok(()));
    let form = "InvalidActionDeclarationException: Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). The following pipeline execution variables";
    refused(
        with("#{Nope.X}"),
        &format!(
            "{form} are referencing a namespace that does not exist. StageName=[Deploy], ActionName=[Put], ActionConfigurationKey=[ObjectKey], VariableReferenceText=[Nope.X]"
        ),
    );
    refused(
        with("#{variables.X}"),
        &format!(
            "{form} are referencing a pipeline variable that is not declared. StageName=[Deploy], ActionName=[Put], ActionConfigurationKey=[ObjectKey], VariableReferenceText=[variables.X]"
        ),
    );
    refused(
        |p| {
            p["stages"][1]["actions"][0]["namespace"] = json!("B");
            p["stages"][1]["actions"][0]["configuration"]["ProjectName"] = json!("#{B.x}");
        },
        &format!(
            "{form} are referencing a namespace that no preceding action fills. StageName=[Build], ActionName=[Compile], ActionConfigurationKey=[ProjectName], VariableReferenceText=[B.x]"
        ),
    );
}

#[test]
fn the_other_execution_modes_are_for_v2_and_parallel_has_no_rollback() {
    for mode in ["QUEUED", "PARALLEL"] {
        let set = |p: &mut Value| {
            p["executionMode"] = json!(mode);
            p["pipelineType"] = json!("V2");
        };
        assert_eq!(pipeline(set), Ok(()));
        assert_eq!(pipeline(|p| p["executionMode"] = json!(mode)), Ok(()), "the mode makes it one");
        let message = format!("Pipeline execution mode {mode} is only supported for pipelines of type V2.");
        let set = |p: &mut Value| {
            p["executionMode"] = json!(mode);
            p["pipelineType"] = json!("V1");
        };
        refused(set, &format!("InvalidStructureException: {message}"));
    }
    refused(
        |p| p["executionMode"] = json!("TURBO"),
        "InvalidStructureException: Pipeline execution mode TURBO is not valid. Valid modes are: SUPERSEDED, QUEUED, PARALLEL.",
    );
    refused(
        |p| {
            p["executionMode"] = json!("PARALLEL");
            p["pipelineType"] = json!("V2");
            p["stages"][1]["onFailure"] = json!({"result": "ROLLBACK"});
        },
        "InvalidStructureException: Stage rollback is not available for pipelines in PARALLEL mode, but stage 'Build' declares the result ROLLBACK.",
    );
}

#[test]
fn what_comes_later_is_refused_by_name() {
    refused(
        |p| p["stages"][1]["blockers"] = json!([{"name": "x", "type": "Schedule"}]),
        "InvalidBlockerDeclarationException: Stage 'Build' declares blockers, which are reserved for future use.",
    );
}

fn cloud_formation(configuration: Value) -> Value {
    action("Stack", "Deploy", "CloudFormation", json!({ "configuration": configuration }))
}

#[test]
fn an_action_of_a_service_that_is_not_built_may_be_declared() {
    let invoke = action("Call", "Invoke", "Lambda", json!({"configuration": {"FunctionName": "f"}}));
    assert_eq!(pipeline(|p| p["stages"][2]["actions"] = json!([invoke])), Ok(()));
    let delete = json!({"ActionMode": "DELETE_ONLY", "StackName": "s", "RoleArn": "arn:aws:iam::123456789012:role/r"});
    assert_eq!(pipeline(|p| p["stages"][2]["actions"] = json!([cloud_formation(delete)])), Ok(()));
}

#[test]
fn an_action_type_that_cannot_be_had_says_why() {
    let beanstalk = action("Put", "Deploy", "ElasticBeanstalk", json!({}));
    refused(
        |p| p["stages"][2]["actions"] = json!([beanstalk]),
        "InvalidActionDeclarationException: ActionType (Category: 'Deploy', Provider: 'ElasticBeanstalk', Owner: 'AWS', Version: '1') in action 'Put' is not available in region 'EU_WEST_1': the service that it leans on runs at AWS alone",
    );
}

#[test]
fn the_modes_of_cloudformation_have_their_keys() {
    let change = |configuration: Value, expected: &str| {
        let expected = format!("InvalidActionDeclarationException: Action configuration for action 'Stack'{expected}");
        refused(|p| p["stages"][2]["actions"] = json!([cloud_formation(configuration)]), &expected);
    };
    change(json!({}), " is missing required configuration 'ActionMode'");
    change(
        json!({"ActionMode": "UPDATE"}),
        ": the value 'UPDATE' of 'ActionMode' is not one of CREATE_UPDATE, DELETE_ONLY, REPLACE_ON_FAILURE, CHANGE_SET_REPLACE, CHANGE_SET_EXECUTE",
    );
    change(
        json!({"ActionMode": "CHANGE_SET_EXECUTE", "StackName": "s"}),
        " is missing required configuration 'ChangeSetName'",
    );
    let whole = json!({"ActionMode": "CREATE_UPDATE", "StackName": "s", "RoleArn": "r", "TemplatePath": "Nope::t.yml"});
    change(
        whole,
        ": the value of 'TemplatePath' is not valid: it must be INPUT_ARTIFACT::FILE, with one of the action's input artifacts",
    );
}

#[test]
fn an_approval_asks_for_what_it_can_be_told() {
    let approval = |configuration: Value| {
        move |p: &mut Value| {
            let ok = action("Ok", "Approval", "Manual", json!({"configuration": configuration}));
            p["stages"][2]["actions"].as_array_mut().unwrap().push(ok);
        }
    };
    for fine in [
        json!({"HeadworksQuorum": "1"}),
        json!({"HeadworksQuorum": "20", "HeadworksSelfApproval": "false", "HeadworksRevision": "#{Source.CommitId}"}),
        json!({"HeadworksQuorum": "2", "HeadworksRevision": "release #{Source.CommitId}"}),
    ] {
        assert_eq!(pipeline(approval(fine)), Ok(()));
    }
    for (wrong, text) in [
        (json!({"HeadworksQuorum": "0"}), "must be a number from 1 to 20"),
        (json!({"HeadworksQuorum": "21"}), "must be a number from 1 to 20"),
        (json!({"HeadworksQuorum": "two"}), "must be a number from 1 to 20"),
        (json!({"HeadworksQuorum": "-1"}), "must be a number from 1 to 20"),
        (json!({"HeadworksSelfApproval": "never"}), "is not one of true, false"),
        (json!({"HeadworksQuorum": "#{Source.BranchName}"}), "must not hold a variable"),
        (json!({"HeadworksQuorum": "1#{Source.BranchName}"}), "must not hold a variable"),
        (json!({"HeadworksSelfApproval": "#{Source.BranchName}"}), "must not hold a variable"),
        (json!({"HeadworksRevision": "Source.CommitId"}), "it must hold a variable of the execution"),
        (json!({"HeadworksRevision": "#{Other.CommitId}"}), "namespace that does not exist"),
    ] {
        let refused = pipeline(approval(wrong)).unwrap_err();
        assert!(refused.contains(text), "{refused}");
    }
    let of_s3 = |p: &mut Value| {
        approval(json!({"HeadworksSelfApproval": "false"}))(p);
        let more =
            json!({"configuration": {"S3Bucket": "b", "S3ObjectKey": "k"}, "outputArtifacts": [{"name": "Src"}]});
        p["stages"][0]["actions"] = json!([action("Src", "Source", "S3", more)]);
    };
    let refused = pipeline(of_s3).unwrap_err();
    assert!(refused.contains("no source of the pipeline tells who pushed a revision"), "{refused}");
}

#[test]
fn an_action_of_another_region_needs_an_artifact_store_there() {
    let store = json!({"type": "S3", "location": "artifacts"});
    let there = |p: &mut Value, region: &str, stores: &[&str]| {
        p["stages"][1]["actions"][0]["region"] = json!(region);
        p.as_object_mut().unwrap().remove("artifactStore");
        p["artifactStores"] = stores.iter().map(|r| (r.to_string(), store.clone())).collect::<Value>();
    };
    assert_eq!(pipeline(|p| there(p, "us-east-1", &["eu-west-1", "us-east-1"])), Ok(()));
    let lacking = "InvalidStructureException: artifactStores must contain an artifact store for the region us-east-1.";
    refused(|p| there(p, "us-east-1", &["eu-west-1"]), lacking);
    refused(|p| p["stages"][1]["actions"][0]["region"] = json!("us-east-1"), lacking);
    refused(
        |p| there(p, "East", &["eu-west-1", "East"]),
        "InvalidActionDeclarationException: Action 'Compile' is declared for region 'East', which is not the name of a region.",
    );
    refused(
        |p| {
            there(p, "us-east-1", &["eu-west-1", "us-east-1"]);
            p["stages"][0]["actions"][0]["region"] = json!("us-east-1");
        },
        "InvalidActionDeclarationException: Action 'Src' is declared for region us-east-1: source actions, third-party actions and custom actions cannot be cross-region actions; the pipeline's region is eu-west-1.",
    );
}

#[test]
fn more_stages_actions_and_text_than_the_quotas_are_refused() {
    let stages = |n: usize, each: usize| {
        move |p: &mut Value| {
            let one = |s: usize, a: usize| {
                let mut put = deploy();
                put["name"] = json!(format!("Put{s}-{a}"));
                put["inputArtifacts"] = json!([{"name": "Src"}]);
                put
            };
            let actions = |s: usize| (0..each).map(|a| one(s, a)).collect::<Value>();
            let more = (1..n).map(|s| json!({"name": format!("Stage{s}"), "actions": actions(s)}));
            p["stages"] = std::iter::once(json!({"name": "Source", "actions": [source()]})).chain(more).collect();
        }
    };
    assert_eq!(pipeline(stages(50, 10)), Ok(()));
    refused(stages(51, 1), "LimitExceededException: Pipeline has 51 stages, which is more than the maximum of 50.");
    refused(stages(50, 11), "LimitExceededException: Pipeline has 540 actions, which is more than the maximum of 500.");
    refused(
        |p| p["stages"][1]["actions"][0]["configuration"]["ProjectName"] = json!("x".repeat(100_000)),
        "InvalidActionDeclarationException: Action configuration for action 'Compile': the value of 'ProjectName' must be 1 to 1000 characters long",
    );
}

#[test]
fn a_cycle_through_variables_is_refused() {
    let form = "InvalidActionDeclarationException: Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.). The following pipeline execution variables";
    let cycle = |p: &mut Value| {
        let stage = &mut p["stages"][1]["actions"];
        let mut second = build();
        second["name"] = json!("Pack");
        second["outputArtifacts"] = json!([]);
        for (action, own, others) in [(&mut second, "B", "#{A.x}"), (&mut stage[0], "A", "#{B.x}")] {
            action["namespace"] = json!(own);
            action["configuration"]["ProjectName"] = json!(others);
        }
        stage.as_array_mut().unwrap().push(second);
    };
    let told = "are referencing a namespace that no preceding action fills. StageName=[Build], ActionName=[Compile], ActionConfigurationKey=[ProjectName], VariableReferenceText=[B.x]";
    refused(cycle, &format!("{form} {told}"));
}

#[test]
fn what_is_to_be_stored_holds_no_mark_of_an_open_value() {
    let declaration = |provider: &str| {
        let value = json!({
            "name": "demo", "roleArn": "arn:aws:iam::123456789012:role/p",
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "stages": [{"name": "Source", "actions": [source()]},
                {"name": "Then", "actions": [action("Do", "Build", provider, json!({}))]}],
        });
        serde_json::from_value::<PipelineDeclaration>(value).unwrap()
    };
    let open = declaration("\u{fdd0}");
    assert_eq!(validate(&open, "eu-west-1"), Ok(()));
    let error = super::validate_settled(&open, "eu-west-1", &[]).unwrap_err();
    assert!(error.to_string().contains("U+FDD0"), "{error}");
}

#[test]
fn what_can_never_be_an_arn_is_refused() {
    let with = |key: &'static str, value: &'static str| {
        move |p: &mut Value| {
            let connection = "arn:aws:codeconnections:eu-west-1:123456789012:connection/0f1e2d3c";
            let mut configuration =
                json!({"ConnectionArn": connection, "FullRepositoryId": "team/app", "BranchName": "main"});
            let mut ok = action("Ok", "Approval", "Manual", json!({}));
            match key {
                "NotificationArn" => ok["configuration"] = json!({key: value}),
                _ => configuration[key] = json!(value),
            }
            let more =
                json!({"configuration": configuration, "outputArtifacts": [{"name": "Src"}], "namespace": "Source"});
            p["stages"][0]["actions"] = json!([action("Src", "Source", "CodeStarSourceConnection", more)]);
            p["stages"][2]["actions"].as_array_mut().unwrap().push(ok);
        }
    };
    for (key, fine) in [
        ("ConnectionArn", "arn:aws-cn:codestar-connections:cn-north-1:123456789012:connection/x"),
        ("ConnectionArn", "{{resolve:ssm:connection}}"),
        ("NotificationArn", "arn:aws:sns:eu-west-1:123456789012:topic"),
        ("NotificationArn", "#{Source.Topic}"),
    ] {
        assert_eq!(pipeline(with(key, fine)), Ok(()), "{key}: {fine}");
    }
    for (key, wrong) in [
        ("ConnectionArn", "foo"),
        ("ConnectionArn", "arn:aws:codeconnections"),
        ("ConnectionArn", "arn:aws::eu-west-1:123456789012:connection/x"),
        ("NotificationArn", "foo"),
    ] {
        let error = pipeline(with(key, wrong)).unwrap_err();
        let expected = format!("the value of '{key}' is not valid: '{wrong}' is not");
        assert!(error.starts_with("InvalidActionDeclarationException") && error.contains(&expected), "{error}");
    }
}

#[test]
fn one_mistake_does_not_hide_those_that_do_not_follow_from_it() {
    let mut twice = build();
    twice["name"] = json!("Again");
    twice["inputArtifacts"] = json!([{"name": "Nope"}]);
    let mut put = deploy();
    put["outputArtifacts"] = json!([{"name": "Out"}]);
    let decide = action("Ok", "Approval", "Manual", json!({"configuration": {"HeadworksSelfApproval": "false"}}));
    let mut code = source();
    code["actionTypeId"]["provider"] = json!("S3");
    code["configuration"] = json!({"S3Bucket": "b", "S3ObjectKey": "k", "PollForSourceChanges": "false"});
    let declaration: PipelineDeclaration = serde_json::from_value(json!({
        "name": "demo",
        "roleArn": "arn:aws:iam::123456789012:role/p",
        "stages": [
            {"name": "Source", "actions": [code]},
            {"name": "Build", "actions": [build(), twice, decide]},
            {"name": "Deploy", "actions": [put]},
        ],
    }))
    .unwrap();
    let found: Vec<String> = super::problems(&declaration, "eu-west-1").into_iter().map(|p| p.message).collect();
    for part in ["has neither", "1 output artifacts", "App has been used more", "Bundle Nope", "tells who pushed"] {
        assert!(found.iter().any(|message| message.contains(part)), "{part}: {found:?}");
    }
    assert_eq!(found.len(), 5, "{found:?}");
}
