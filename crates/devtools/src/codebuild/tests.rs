//! Operations on both databases, with a clock that stands and ids that count.

use std::sync::Arc;

use base::{AccountId, Clock, Region, Scope, SequentialIds};
use engine::build::{Build, BuildEffect, BuildState, Parent, SourceKind};
use engine::build_batch::BuildBatch;
use engine::build_queue::BuildQueue;
use engine::command_execution::CommandExecution;
use engine::sandbox::Sandbox;
use platform::{Caller, Cx, Disk, Principal, SealingKey, Site};
use serde_json::{Value, json};
use store::testing::{TestStore, each_engine};
use store::{Machines, machine, outbox};

use super::*;

pub(super) struct World {
    pub cx: Cx,
    pub test: TestStore,
}

pub(super) fn machines() -> Machines {
    Machines::new()
        .with::<Build>()
        .with::<BuildBatch>()
        .with::<BuildQueue>()
        .with::<Sandbox>()
        .with::<CommandExecution>()
}

pub(super) fn world(test: TestStore) -> World {
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-west-1").unwrap() };
    let clock: Arc<dyn Clock> = test.clock.clone();
    let cx = Cx {
        store: test.store.clone(),
        objects: store::objects::Objects::open(test.dir.path().join("objects"), Arc::new(SequentialIds::default()))
            .unwrap(),
        clock,
        ids: Arc::new(SequentialIds::default()),
        caller: Caller {
            scope,
            principal: Principal {
                arn: "arn:aws:iam::123456789012:user/alice".to_owned(),
                user_id: "AIDA".to_owned(),
                access_key: None,
                rights: None,
            },
            request_id: "r".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
        },
        credentials: Arc::default(),
        site: Arc::new(Site {
            endpoint: "http://127.0.0.1:4566".to_owned(),
            loopback: Some("http://127.0.0.1:4566".to_owned()),
            front: None,
            data_dir: test.dir.path().to_owned(),
            disk: Arc::new(Disk::unwatched()),
            key: Arc::new(SealingKey::new(&[7; 32])),
            max_builds: None,
            max_executions: Some(50),
            // Roles that tests name need not exist.
            local_sources: Vec::new(),
            builds_in_place: false,
            test_mode: true,
            lenient_runtimes: false,
        }),
    };
    World { cx, test }
}

pub(super) fn project(change: Value) -> Value {
    let mut project = json!({
        "name": "demo",
        "source": { "type": "CODECOMMIT", "location": "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app" },
        "artifacts": { "type": "S3", "location": "out", "path": "p", "packaging": "ZIP", "name": "app.zip" },
        "environment": {
            "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{ "name": "A", "value": "project" }, { "name": "B", "value": "project" }],
        },
        "serviceRole": "arn:aws:iam::123456789012:role/build",
    });
    for (member, value) in change.as_object().unwrap() {
        project[member] = value.clone();
    }
    project
}

pub(super) async fn create(cx: &Cx, change: Value) -> Result<Value, base::ApiError> {
    let input = serde_json::from_value(project(change)).unwrap();
    create_project(cx, input).await.map(|output| output.project)
}

pub(super) async fn start(cx: &Cx, change: Value) -> Result<Value, base::ApiError> {
    let mut input = json!({ "projectName": "demo" });
    for (member, value) in change.as_object().unwrap() {
        input[member] = value.clone();
    }
    start_build(cx, serde_json::from_value(input).unwrap()).await.map(|output| output.build)
}

pub(super) async fn state(cx: &Cx, id: &str) -> BuildState {
    let mut tx = cx.store.read().await.unwrap();
    machine::get::<Build>(&mut tx, id).await.unwrap().unwrap().state
}

pub(super) async fn drained(cx: &Cx) -> Vec<BuildEffect> {
    let claimed = outbox::claim(&cx.store, "test", 10, std::time::Duration::from_secs(60)).await.unwrap();
    claimed.into_iter().map(|c| serde_json::from_value(c.effect).unwrap()).collect()
}

#[tokio::test]
async fn members_without_effect_are_told_in_the_log_and_harmless_values_are_not() {
    let World { cx, test: _test } = world(store::testing::sqlite(machines()).await);
    let inline = "version: 0.2\nphases: {build: {commands: [x]}}";
    let source = |more: Value| {
        let mut source = json!({ "type": "NO_SOURCE", "buildspec": inline });
        source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        source
    };
    let lines = async |name: &str, change: Value| {
        create(&cx, change).await.unwrap();
        let build = start(&cx, json!({ "projectName": name })).await.unwrap();
        let state = state(&cx, build["id"].as_str().unwrap()).await;
        let effects = drained(&cx).await;
        let run = effects.into_iter().find_map(|e| match e {
            BuildEffect::Run { preamble, .. } => Some(preamble),
            _ => None,
        });
        (build, run.unwrap_or_else(|| panic!("{:?}", state.stage)))
    };
    let plain = json!({
        "name": "plain",
        "source": source(json!({ "gitCloneDepth": 0, "insecureSsl": false, "reportBuildStatus": false,
                                 "gitSubmodulesConfig": { "fetchSubmodules": false } })),
        "artifacts": { "type": "S3", "location": "out", "encryptionDisabled": false, "bucketOwnerAccess": "NONE" },
        "logsConfig": { "s3Logs": { "status": "DISABLED", "encryptionDisabled": true } },
    });
    let (build, told) = lines("plain", plain).await;
    assert_eq!(told, Vec::<String>::new());
    // Nothing is encrypted, and nothing says that it is.
    assert_eq!(build["artifacts"]["encryptionDisabled"], true);
    let asking = json!({
        "name": "asking",
        "source": source(json!({ "gitCloneDepth": 1, "insecureSsl": true,
                                 "auth": { "type": "OAUTH", "resource": "x" },
                                 "buildStatusConfig": { "context": "ci" } })),
        "artifacts": { "type": "S3", "location": "out", "encryptionDisabled": true, "bucketOwnerAccess": "FULL" },
        "environment": {
            "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL", "hostKernel": "LINUX_KERNEL_6",
        },
    });
    let (build, told) = lines("asking", asking).await;
    assert_eq!(build["artifacts"]["encryptionDisabled"], true);
    let told = told.join("\n");
    let members = ["gitCloneDepth 1", "insecureSsl", "auth", "buildStatusConfig", "bucketOwnerAccess FULL"];
    for member in members.into_iter().chain(["environment.hostKernel LINUX_KERNEL_6"]) {
        assert!(told.contains(&format!("{member} has no effect")), "{member}: {told}");
    }
    let reporting = json!({ "name": "reporting", "source": source(json!({ "reportBuildStatus": true })) });
    let refused = create(&cx, reporting).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (
            "InvalidInputException",
            "Invalid project source: reportBuildStatus is not supported for source type NO_SOURCE"
        )
    );
}

#[tokio::test]
async fn a_role_that_is_not_there_is_refused_except_in_test_mode() {
    each_engine(machines(), |test| async move {
        let World { mut cx, test: _test } = world(test);
        create(&cx, json!({})).await.unwrap();
        Arc::make_mut(&mut cx.site).test_mode = false;
        let arn = "arn:aws:iam::123456789012:role/build";
        let role = json!({ "RoleName": "build", "AssumeRolePolicyDocument": r#"{"Statement":{"Effect":"Allow",
            "Action":"sts:AssumeRole","Principal":{"Service":"codebuild.amazonaws.com"}}}"# });
        let refused = create(&cx, json!({ "name": "other" })).await.unwrap_err();
        assert_eq!(
            (refused.code, refused.message),
            ("InvalidInputException", format!("CodeBuild is not authorized to perform: sts:AssumeRole on {arn}"))
        );
        assert!(start(&cx, json!({ "serviceRoleOverride": arn })).await.is_err());
        start(&cx, json!({})).await.unwrap();
        platform::iam::create_role(&cx, serde_json::from_value(role).unwrap()).await.unwrap();
        create(&cx, json!({ "name": "other" })).await.unwrap();
        start(&cx, json!({ "serviceRoleOverride": arn })).await.unwrap();
        let path = json!({ "name": "third", "serviceRole": "arn:aws:iam::123456789012:role/ci/build" });
        assert!(create(&cx, path).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_project_gets_the_defaults_of_the_service_and_is_found_by_name_and_arn() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let made = create(&cx, json!({})).await.unwrap();
        assert_eq!(made["timeoutInMinutes"], 60);
        assert_eq!(made["queuedTimeoutInMinutes"], 480);
        assert_eq!(made["encryptionKey"], "arn:aws:kms:eu-west-1:123456789012:alias/aws/s3");
        assert_eq!(made["cache"], json!({ "type": "NO_CACHE" }));
        assert_eq!(made["badge"], json!({ "badgeEnabled": false }));
        assert_eq!(made["projectVisibility"], "PRIVATE");
        assert_eq!(made["artifacts"]["encryptionDisabled"], false);
        let arn = made["arn"].as_str().unwrap().to_owned();
        assert_eq!(arn, "arn:aws:codebuild:eu-west-1:123456789012:project/demo");
        let names = vec!["demo".to_owned(), arn.clone(), "nope".to_owned()];
        let found = batch_get_projects(&cx, batch_get_projects::Input { names }).await.unwrap();
        assert_eq!(found.projects, [made.clone(), made]);
        assert_eq!(found.projects_not_found, ["nope"]);
        let again = create(&cx, json!({})).await.unwrap_err();
        assert_eq!(
            (again.code, again.message),
            ("ResourceAlreadyExistsException", format!("Project already exists: {arn}"))
        );
        let plain = create(&cx, json!({ "name": "plain", "artifacts": { "type": "NO_ARTIFACTS" } })).await.unwrap();
        assert_eq!(plain["artifacts"], json!({ "type": "NO_ARTIFACTS" }));
    })
    .await;
}

#[tokio::test]
async fn no_build_begins_on_a_disk_that_is_nearly_full() {
    each_engine(machines(), |test| async move {
        let World { cx, test } = world(test);
        create(&cx, json!({})).await.unwrap();
        let disk = Arc::new(Disk::new(test.dir.path(), u64::MAX, u64::MAX));
        let cx = Cx { site: Arc::new(Site { disk, ..Site::clone(&cx.site) }), ..cx };
        let refused = start(&cx, json!({})).await.unwrap_err();
        assert_eq!((refused.code, refused.status), ("InsufficientStorage", Some(507)));
        assert!(drained(&cx).await.is_empty());
    })
    .await;
}

/// The project's environment with these members.
fn environment(change: Value) -> Value {
    let mut environment = project(json!({}))["environment"].take();
    for (member, value) in change.as_object().unwrap() {
        environment[member] = value.clone();
    }
    json!({ "environment": environment })
}

/// A source at GitHub with these members.
fn github(change: Value) -> Value {
    let mut source = json!({ "type": "GITHUB", "location": "https://github.com/a/b" });
    for (member, value) in change.as_object().unwrap() {
        source[member] = value.clone();
    }
    json!({ "source": source })
}

#[tokio::test]
async fn a_project_that_cannot_be_built_is_refused_by_name() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let cases = [
            (json!({ "name": "a/b" }), "Only alphanumeric characters, dash, and underscore are supported"),
            (json!({ "serviceRole": "arn:aws:iam::999999999999:role/x" }), "does not match caller's account"),
            (json!({ "timeoutInMinutes": 4 }), "timeoutInMinutes"),
            (json!({ "source": { "type": "CODECOMMIT" } }), "Project source location is required"),
            (json!({ "source": { "type": "GITHUB", "location": "git@github.com:a/b" } }), "https URL of a repository"),
            (json!({ "source": { "type": "NO_SOURCE" } }), "requires an inline buildspec"),
            (json!({ "vpcConfig": { "vpcId": "vpc-1" } }), "vpcConfig"),
            (json!({ "cache": { "type": "S3" } }), "location is required for S3 cache"),
            (json!({ "cache": { "type": "LOCAL" } }), "at least one mode"),
            (json!({ "artifacts": { "type": "CODEPIPELINE" } }), "must both be CODEPIPELINE"),
            (json!({ "logsConfig": { "s3Logs": { "status": "ENABLED" } } }), "a location is required"),
            (json!({ "fileSystemLocations": [{ "identifier": "efs" }] }), "fileSystemLocations"),
            (environment(json!({ "type": "LINUX_GPU_CONTAINER" })), "environment type LINUX_GPU_CONTAINER"),
            (environment(json!({ "type": "LINUX_LAMBDA_CONTAINER" })), "environment type LINUX_LAMBDA_CONTAINER"),
            (environment(json!({ "type": "LINUX_EC2" })), "environment type LINUX_EC2"),
            (environment(json!({ "computeType": "ATTRIBUTE_BASED_COMPUTE" })), "compute type ATTRIBUTE_BASED_COMPUTE"),
            (environment(json!({ "computeConfiguration": { "vCpu": 2 } })), "environment.computeConfiguration"),
            (github(json!({ "reportBuildStatus": true })), "source.reportBuildStatus"),
            (github(json!({ "auth": { "type": "CODECONNECTIONS", "resource": "arn" } })), "auth.type CODECONNECTIONS"),
            (
                json!({ "buildBatchConfig": { "serviceRole": "arn:aws:iam::123456789012:role/build",
                                              "batchReportMode": "REPORT_AGGREGATED_BATCH" } }),
                "batchReportMode REPORT_AGGREGATED_BATCH",
            ),
        ];
        for (change, why) in cases {
            let refused = create(&cx, change.clone()).await.unwrap_err();
            assert_eq!(refused.code, "InvalidInputException", "{change}");
            assert!(refused.message.contains(why), "{change}: {}", refused.message);
        }
        create(&cx, json!({ "vpcConfig": {}, "badgeEnabled": false, "concurrentBuildLimit": -1 })).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_nobody_can_have_of_a_project_or_of_credentials_is_refused_by_name() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, json!({})).await.unwrap();
        let visible = |change: Value| {
            let mut input = json!({ "projectArn": "arn:aws:codebuild:eu-west-1:123456789012:project/demo" });
            for (member, value) in change.as_object().unwrap() {
                input[member] = value.clone();
            }
            update_project_visibility(&cx, serde_json::from_value(input).unwrap())
        };
        assert_eq!(visible(json!({ "projectVisibility": "PRIVATE" })).await.unwrap().project_visibility, "PRIVATE");
        let public = visible(json!({ "projectVisibility": "PUBLIC_READ" })).await.unwrap_err();
        let role = json!({ "projectVisibility": "PRIVATE", "resourceAccessRole": "arn:aws:iam::123456789012:role/r" });
        let role = visible(role).await.unwrap_err();
        let connection = json!({ "token": "arn", "serverType": "GITHUB", "authType": "CODECONNECTIONS" });
        let connection = import_source_credentials(&cx, serde_json::from_value(connection).unwrap()).await.unwrap_err();
        for (refused, why) in [
            (public, "projectVisibility PUBLIC_READ"),
            (role, "resourceAccessRole"),
            (connection, "auth type CODECONNECTIONS"),
        ] {
            assert_eq!(refused.code, "InvalidInputException", "{why}");
            assert!(refused.message.starts_with(why), "{}", refused.message);
        }
    })
    .await;
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_a_deletion_is_repeatable() {
    each_engine(machines(), |test| async move {
    let World { cx, test: _test } = world(test);
    create(&cx, json!({ "description": "old", "sourceVersion": "main" })).await.unwrap();
    let input = json!({ "name": "arn:aws:codebuild:eu-west-1:123456789012:project/demo", "description": "new", "timeoutInMinutes": 30 });
    let changed = update_project(&cx, serde_json::from_value(input).unwrap()).await.unwrap().project;
    assert_eq!((&changed["description"], &changed["timeoutInMinutes"]), (&json!("new"), &json!(30)));
    assert_eq!(changed["sourceVersion"], "main");
    let missing = json!({ "name": "other" });
    let refused = update_project(&cx, serde_json::from_value(missing).unwrap()).await.unwrap_err();
    assert_eq!(refused.code, "ResourceNotFoundException");
    for _ in 0..2 {
        delete_project(&cx, delete_project::Input { name: "demo".to_owned() }).await.unwrap();
    }
    assert!(list_projects(&cx, list_projects::Input::default()).await.unwrap().projects.is_empty());
    }).await;
}

#[tokio::test]
async fn projects_are_listed_in_pages() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        for n in 0..103 {
            create(&cx, json!({ "name": format!("p{n:03}") })).await.unwrap();
        }
        let first = list_projects(&cx, list_projects::Input::default()).await.unwrap();
        assert_eq!((first.projects.len(), first.projects[0].as_str()), (100, "p000"));
        let next = list_projects::Input { next_token: first.next_token, ..Default::default() };
        let second = list_projects(&cx, next).await.unwrap();
        assert_eq!(
            (second.projects, second.next_token),
            (vec!["p100".to_owned(), "p101".to_owned(), "p102".to_owned()], None)
        );
        let newest = list_projects::Input {
            sort_by: Some("CREATED_TIME".to_owned()),
            sort_order: Some("DESCENDING".to_owned()),
            next_token: None,
        };
        assert_eq!(list_projects(&cx, newest).await.unwrap().projects[0], "p102");
    })
    .await;
}

#[tokio::test]
async fn starting_a_build_settles_it_and_asks_the_driver_to_prepare_it() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, json!({ "sourceVersion": "main" })).await.unwrap();
        let overrides = json!({
            "sourceVersion": "topic",
            "environmentVariablesOverride": [{ "name": "B", "value": "build", "type": "PLAINTEXT" }],
            "timeoutInMinutesOverride": 9, "hostKernelOverride": "LINUX_KERNEL_4",
        });
        let build = start(&cx, overrides).await.unwrap();
        let id = "demo:00000000-0000-4000-8000-000000000001";
        assert_eq!(build["id"], id);
        assert_eq!(build["arn"], format!("arn:aws:codebuild:eu-west-1:123456789012:build/{id}"));
        assert_eq!((&build["buildNumber"], &build["buildStatus"]), (&json!(1), &json!("IN_PROGRESS")));
        assert_eq!((&build["currentPhase"], &build["initiator"]), (&json!("QUEUED"), &json!("alice")));
        assert_eq!(build["sourceVersion"], "topic");
        assert_eq!(build["artifacts"]["location"], "arn:aws:s3:::out/p/app.zip");
        assert_eq!(build["logs"]["groupName"], "/aws/codebuild/demo");
        assert_eq!(build["phases"][0]["phaseType"], "SUBMITTED");
        assert_eq!(build["environment"]["environmentVariables"][1]["value"], "build");
        assert_eq!(build["environment"]["hostKernel"], "LINUX_KERNEL_4");
        let effects = drained(&cx).await;
        let [BuildEffect::Prepare { request }] = effects.as_slice() else { panic!("{effects:?}") };
        assert_eq!(request.timeout_minutes, 9);
        assert!(matches!(&request.source.kind, SourceKind::CodeCommit { repository, .. } if repository == "app"));
        let ids = batch_get_builds::Input { ids: vec![build["arn"].as_str().unwrap().to_owned(), "demo:x".to_owned()] };
        let found = batch_get_builds(&cx, ids).await.unwrap();
        assert_eq!((found.builds, found.builds_not_found), (vec![build], vec!["demo:x".to_owned()]));
        assert_eq!(start(&cx, json!({})).await.unwrap()["buildNumber"], 2);
        let listed = list_builds(&cx, list_builds::Input::default()).await.unwrap();
        assert_eq!(listed.ids.len(), 2);
        let of = |name: &str| list_builds_for_project::Input {
            project_name: name.to_owned(),
            sort_order: Some("ASCENDING".to_owned()),
            next_token: None,
        };
        assert_eq!(list_builds_for_project(&cx, of("demo")).await.unwrap().ids[0], id);
        assert_eq!(list_builds_for_project(&cx, of("none")).await.unwrap_err().code, "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn a_build_without_source_is_ready_to_run_at_once() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let source = json!({ "type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: [make]}}\n" });
        create(&cx, json!({ "source": source, "artifacts": { "type": "NO_ARTIFACTS" } })).await.unwrap();
        start(&cx, json!({})).await.unwrap();
        let effects = drained(&cx).await;
        assert!(matches!(effects.as_slice(), [BuildEffect::Run { .. }]), "{effects:?}");
    })
    .await;
}

#[tokio::test]
async fn the_same_token_starts_one_build() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, json!({})).await.unwrap();
        let first = start(&cx, json!({ "idempotencyToken": "t" })).await.unwrap();
        let second = start(&cx, json!({ "idempotencyToken": "t" })).await.unwrap();
        assert_eq!(first["id"], second["id"]);
        let other = start(&cx, json!({ "idempotencyToken": "t", "sourceVersion": "x" })).await.unwrap_err();
        assert_eq!(other.code, "InvalidInputException");
        let unknown = start(&cx, json!({ "projectName": "none" })).await.unwrap_err();
        assert_eq!(unknown.code, "ResourceNotFoundException");
        assert!(unknown.message.starts_with("Project cannot be found: arn:aws:codebuild:"));
    })
    .await;
}

#[tokio::test]
async fn requests_that_come_at_once_are_answered_as_if_one_came_first() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let make = || create(&cx, json!({}));
        let made = tokio::join!(make(), make(), make());
        let refused: Vec<_> = [made.0, made.1, made.2].into_iter().filter_map(Result::err).map(|e| e.code).collect();
        assert_eq!(refused, ["ResourceAlreadyExistsException"; 2]);
        let begin = || start(&cx, json!({ "idempotencyToken": "t" }));
        let started = tokio::join!(begin(), begin(), begin());
        let ids = [started.0, started.1, started.2].map(|build| build.unwrap()["id"].clone());
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(list_builds(&cx, list_builds::Input::default()).await.unwrap().ids.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_stopped_build_can_be_retried_and_not_stopped_again() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, json!({})).await.unwrap();
        let build = start(&cx, json!({ "sourceVersion": "v1" })).await.unwrap();
        let id = build["id"].as_str().unwrap().to_owned();
        let retry = || retry_build::Input { id: Some(id.clone()), idempotency_token: None };
        assert_eq!(retry_build(&cx, retry()).await.unwrap_err().code, "InvalidInputException");
        for _ in 0..2 {
            let stopped = stop_build(&cx, stop_build::Input { id: id.clone() }).await.unwrap().build;
            assert_eq!((&stopped["buildStatus"], &stopped["buildComplete"]), (&json!("STOPPED"), &json!(true)));
        }
        let again = retry_build(&cx, retry()).await.unwrap().build;
        assert_eq!((&again["buildNumber"], &again["sourceVersion"]), (&json!(2), &json!("v1")));
        let unknown = stop_build(&cx, stop_build::Input { id: "demo:1".to_owned() }).await.unwrap_err();
        assert_eq!(unknown.code, "ResourceNotFoundException");
        let mut other = cx.clone();
        other.caller.scope.account = AccountId::parse("999999999999").unwrap();
        assert!(stop_build(&other, stop_build::Input { id }).await.is_err(), "another account's build");
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_starts_one_build_per_key_with_its_artifacts() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let of_pipeline = json!({ "type": "CODEPIPELINE" });
        create(&cx, json!({ "source": of_pipeline, "artifacts": of_pipeline })).await.unwrap();
        assert!(start(&cx, json!({})).await.unwrap_err().message.contains("CODEPIPELINE"));
        let artifact = |name: &str, primary| PipelineArtifact {
            name: name.to_owned(),
            bucket: "store".to_owned(),
            key: format!("p/{name}/1"),
            primary,
            revision: primary.then(|| "c0ffee".to_owned()),
        };
        let start = StartForPipeline {
            project_name: "demo".to_owned(),
            commands: None,
            pipeline_name: "pipe".to_owned(),
            pipeline_region: cx.scope().region.clone(),
            effect_key: "e1:Build:build:1".to_owned(),
            inputs: vec![artifact("Extra", false), artifact("Source", true)],
            outputs: vec![artifact("Built", false)],
            variables: Vec::new(),
            source_version: Some("arn:aws:s3:::store/p/Source/1".to_owned()),
            encryption_key: Some("alias/artifacts".to_owned()),
            parent: Parent {
                kind: "pipeline_execution".to_owned(),
                id: "e1".to_owned(),
                key: "e1:Build:build:1".to_owned(),
            },
        };
        let mut begun = Vec::new();
        for _ in 0..2 {
            let (cx_in, start) = (cx.clone(), start.clone());
            let one = cx
                .store
                .write(move |tx| {
                    let (cx, start) = (cx_in.clone(), start.clone());
                    Box::pin(async move { start_for_pipeline(tx, &cx, start).await })
                })
                .await
                .unwrap();
            begun.push(one);
        }
        assert_eq!(begun[0], begun[1]);
        assert_eq!(begun[0].log_stream, None, "the log is the project's");
        let request = state(&cx, &begun[0].id).await.request;
        assert_eq!(request.initiator, "codepipeline/pipe");
        let SourceKind::Pipeline { place, revision } = &request.source.kind else { panic!("a pipeline's source") };
        assert_eq!((place.key.as_str(), revision.as_deref()), ("p/Source/1", Some("c0ffee")));
        assert_eq!(request.secondary_sources[0].identifier.as_deref(), Some("Extra"));
        assert_eq!(request.encryption_key, "alias/artifacts");
    })
    .await;
}

#[tokio::test]
async fn only_folders_that_the_installation_names_can_be_sources() {
    let World { cx, test } = world(store::testing::sqlite(machines()).await);
    let folder = test.dir.path().to_str().unwrap().to_owned();
    let source = json!({ "type": "LOCAL", "location": folder });
    let why = |e: base::ApiError| (e.code.to_string(), e.message);
    let refused = ("InvalidInputException".to_owned(), "Invalid type provided: Project source type".to_owned());
    assert_eq!(why(create(&cx, json!({ "source": source })).await.unwrap_err()), refused);
    create(&cx, json!({})).await.unwrap();
    let overridden = json!({ "sourceTypeOverride": "LOCAL", "sourceLocationOverride": folder });
    assert_eq!(why(start(&cx, overridden.clone()).await.unwrap_err()), refused);

    let local_sources = vec![test.dir.path().to_owned()];
    let cx = Cx { site: Arc::new(Site { local_sources, ..Site::clone(&cx.site) }), ..cx };
    let build = start(&cx, overridden).await.unwrap();
    let kind = state(&cx, build["id"].as_str().unwrap()).await.request.source.kind;
    assert_eq!(kind, SourceKind::Local { folder: test.dir.path().to_owned(), in_place: false });
    let other = json!({ "sourceTypeOverride": "LOCAL", "sourceLocationOverride": "/etc" });
    assert_eq!(why(start(&cx, other).await.unwrap_err()), refused);
}
