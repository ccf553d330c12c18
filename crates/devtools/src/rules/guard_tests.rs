//! What a rule may not start, and what it starts with when others see the same event.

use std::sync::Arc;

use engine::pipeline::{Execution, SourceOverride};
use platform::events as eventbridge;
use serde_json::{Value, json};
use store::tables::codebuild_project;
use store::testing::each_engine;

use super::tests::{PIPELINE, ROLE, World, call, custom, machines, push, rule_arn, target};
use crate::{codebuild, codepipeline};

const PROJECT: &str = "arn:aws:codebuild:eu-central-1:123456789012:project/nightly";
const CONNECTION: &str = "arn:aws:codeconnections:eu-central-1:123456789012:connection/0f";

async fn project(world: &World) {
    let project = json!({
        "name": "nightly", "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: ['true']}}"},
        "artifacts": {"type": "NO_ARTIFACTS"}, "serviceRole": ROLE,
        "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
    });
    call(&world.cx, codebuild::create_project, project).await;
}

async fn builds(world: &World) -> usize {
    let builds = call(&world.cx, codebuild::list_builds_for_project, json!({"projectName": "nightly"})).await;
    builds["ids"].as_array().unwrap().len()
}

fn tag(name: &str) -> Value {
    let mut tag = push(name, "c0");
    tag["detail"]["referenceType"] = json!("tag");
    tag
}

/// The pipeline's source is behind a connection.
fn connected(pipeline: &mut Value, trigger: Option<Value>) {
    let source = &mut pipeline["stages"][0]["actions"][0];
    source["actionTypeId"]["provider"] = json!("CodeStarSourceConnection");
    source["configuration"] =
        json!({"ConnectionArn": CONNECTION, "FullRepositoryId": "team/app", "BranchName": "main"});
    if let Some(mut git) = trigger {
        git["sourceActionName"] = json!("Src");
        pipeline["triggers"] = json!([{"providerType": "CodeStarSourceConnection", "gitConfiguration": git}]);
    }
}

fn told(more: Value) -> Value {
    let mut detail = json!({
        "connectionArn": CONNECTION, "fullRepositoryId": "team/app", "referenceType": "branch", "referenceName": "main",
        "commitId": "c1", "oldCommitId": "0",
    });
    detail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"source": "headworks.codeconnections", "detail-type": "Connection Repository State Change",
           "resources": [CONNECTION], "detail": detail})
}

async fn waiting(world: &World) -> usize {
    let mut tx = world.cx.store.read().await.unwrap();
    store::outbox::of_machine(&mut tx, codepipeline::TRIGGER, PIPELINE).await.unwrap().len()
}

async fn overrides(world: &World, execution: &Value) -> Vec<SourceOverride> {
    let id = execution["pipelineExecutionId"].as_str().unwrap();
    let mut tx = world.cx.store.read().await.unwrap();
    store::machine::get::<Execution>(&mut tx, id).await.unwrap().unwrap().state.overrides
}

#[tokio::test]
async fn an_event_cannot_choose_the_role_of_a_build() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |_| {}).await;
        project(&world).await;
        let target = json!({"Id": "b", "Arn": PROJECT, "RoleArn": ROLE, "InputPath": "$.detail"});
        world.rule("r", json!({"source": ["my.app"]}), json!([target])).await;
        world.deliver(custom(json!({"serviceRoleOverride": ROLE})), "e1").await;
        assert_eq!((builds(&world).await, world.counted().await), (0, vec![("r".to_owned(), 0, 2)]));
        let target = json!({"Id": "c", "Arn": PROJECT, "RoleArn": ROLE, "Input": json!({"serviceRoleOverride": ROLE}).to_string()});
        let put = call(&world.cx, eventbridge::put_targets, json!({"Rule": "r", "Targets": [target]})).await;
        assert!(put["FailedEntries"][0]["ErrorMessage"].as_str().unwrap().contains("may not choose the role"), "{put}");
    })
    .await;
}

#[tokio::test]
async fn a_target_that_fails_is_counted_and_keeps_the_event_from_nobody() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |_| {}).await;
        // What only another version of this program can have written.
        let store = world.cx.store.clone();
        let scope = world.cx.scope().clone();
        let junk = store.write(move |tx| {
            let scope = scope.clone();
            Box::pin(async move { codebuild_project::insert(tx, &scope, "nightly", &json!({"source": 7})).await })
        });
        junk.await.unwrap();
        let bad = json!({"Id": "a", "Arn": PROJECT, "RoleArn": ROLE});
        let deep = target("b", json!({"InputPath": "$.detail.deep"}));
        world.rule("r", json!({"source": ["my.app"]}), json!([bad, deep, target("c", json!({}))])).await;
        let deep = (0..110).fold(json!({}), |inner, _| json!([inner]));
        world.deliver(custom(json!({"deep": deep})), "e1").await;
        assert_eq!(world.counted().await, [("r".to_owned(), 2, 4)]);
        assert_eq!(world.executions().await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn no_more_executions_are_started_than_may_be_under_way() {
    each_engine(machines(), |test| async move {
        let mut world = World::new(test, |_| {}).await;
        Arc::make_mut(&mut world.cx.site).max_executions = Some(3);
        world.rule("r", json!({"source": ["my.app"]}), json!([target("a", json!({}))])).await;
        for event in ["e1", "e2", "e3", "e4"] {
            world.deliver(custom(json!({})), event).await;
        }
        // Its creation started one, and what is delivered twice counts twice.
        assert_eq!(world.executions().await.len(), 2);
        assert_eq!(world.counted().await, [("r".to_owned(), 4, 4)]);
    })
    .await;
}

#[tokio::test]
async fn a_rule_does_not_start_what_its_own_start_tells_of() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |_| {}).await;
        project(&world).await;
        let any = json!({"source": [{"prefix": ""}]});
        world.rule("all", any.clone(), json!([target("a", json!({})), json!({"Id": "b", "Arn": PROJECT, "RoleArn": ROLE})])).await;
        world.deliver(custom(json!({})), "e1").await;
        let of_rule = world.executions().await[0]["pipelineExecutionId"].clone();
        let ids = call(&world.cx, codebuild::list_builds_for_project, json!({"projectName": "nightly"})).await["ids"].clone();
        let of_pipeline = json!({"source": "aws.codepipeline", "detail-type": "x", "resources": [], "detail": {"execution-id": of_rule}});
        let build = format!("arn:aws:codebuild:eu-central-1:123456789012:build/{}", ids[0].as_str().unwrap());
        let of_build = json!({"source": "aws.codebuild", "detail-type": "x", "resources": [], "detail": {"build-id": build}});
        world.deliver(of_pipeline.clone(), "e2").await;
        world.deliver(of_build, "e3").await;
        assert_eq!((world.executions().await.len(), builds(&world).await), (1, 1));
        assert_eq!(world.counted().await, [("all".to_owned(), 4, 8)]);
        // Another rule may: that is how one pipeline follows another.
        call(&world.cx, eventbridge::disable_rule, json!({"Name": "all"})).await;
        world.rule("next", any, json!([target("a", json!({}))])).await;
        world.deliver(of_pipeline, "e4").await;
        assert_eq!(world.executions().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_tag_that_a_trigger_watches_waits_for_its_commit_and_keeps_its_place() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |pipeline| {
            let push = json!([{"tags": {"includes": ["v*"]}}, {"branches": {"includes": ["main"]}}]);
            let git = json!({"sourceActionName": "Src", "push": push});
            pipeline["triggers"] = json!([{"providerType": "CodeCommit", "gitConfiguration": git}]);
        })
        .await;
        world
            .rule("r", json!({"source": ["aws.codecommit"]}), json!([target("a", json!({})), target("b", json!({}))]))
            .await;
        world.deliver(tag("v1"), "e1").await;
        assert_eq!((world.executions().await.len(), waiting(&world).await), (0, 2));
        // What comes behind it does not overtake it.
        world.deliver(push("main", "c2"), "e2").await;
        assert_eq!((world.executions().await.len(), waiting(&world).await), (0, 4));
        // A tag that nothing watches starts as any other event.
        world.deliver(tag("w1"), "e3").await;
        assert_eq!(world.executions().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_pull_request_builds_its_own_commit() {
    each_engine(machines(), |test| async move {
        let git = json!({"pullRequest": [{"events": ["OPEN"], "branches": {"includes": ["main"]}}]});
        let world = World::new(test, |pipeline| connected(pipeline, Some(git))).await;
        world.rule("r", json!({"source": ["headworks.codeconnections"]}), json!([target("a", json!({}))])).await;
        let opened = json!({"pullRequestEvent": "OPEN", "targetBranch": "main", "referenceName": "topic"});
        world.deliver(told(opened), "e1").await;
        let executions = world.executions().await;
        assert_eq!(executions.len(), 1);
        assert_eq!(executions[0]["trigger"]["triggerDetail"], rule_arn("r"));
        let overrides = overrides(&world, &executions[0]).await;
        let said: Vec<_> = overrides.iter().map(|o| (o.kind.as_str(), o.value.as_str())).collect();
        assert_eq!(said, [("COMMIT_ID", "c1"), (SourceOverride::BRANCH, "topic")]);
    })
    .await;
}

#[tokio::test]
async fn what_a_poll_has_started_is_not_started_again() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |pipeline| connected(pipeline, None)).await;
        world.rule("r", json!({"source": ["headworks.codeconnections"]}), json!([target("a", json!({}))])).await;
        let source = codepipeline::polled_sources(&world.cx).await.unwrap().remove(0);
        codepipeline::polled(&world.cx, &source, "c0").await.unwrap();
        codepipeline::polled(&world.cx, &source, "c1").await.unwrap();
        assert_eq!(world.executions().await.len(), 1);
        world.deliver(told(json!({})), "e1").await;
        assert_eq!(world.executions().await.len(), 1);
        world.deliver(told(json!({"commitId": "c2"})), "e2").await;
        assert_eq!(world.executions().await[0]["trigger"]["triggerDetail"], rule_arn("r"));
        codepipeline::polled(&world.cx, &source, "c2").await.unwrap();
        assert_eq!(world.executions().await.len(), 2);
    })
    .await;
}
