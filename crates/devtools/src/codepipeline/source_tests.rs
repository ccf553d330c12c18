//! Sources elsewhere: what polls and deliveries start, and secrets of actions. On both databases.

use serde_json::{Value, json};
use store::testing::each_engine;

use super::tests::{declaration, input, json_of, machines, world};
use super::*;

const CONNECTION: &str = "arn:aws:codeconnections:eu-west-1:123456789012:connection/0f";

fn from_connection(trigger: Option<Value>) -> Value {
    let mut declared = declaration();
    declared["pipelineType"] = json!("V2");
    let source = &mut declared["stages"][0]["actions"][0];
    source["actionTypeId"]["provider"] = json!("CodeStarSourceConnection");
    source["configuration"] =
        json!({"ConnectionArn": CONNECTION, "FullRepositoryId": "team/app", "BranchName": "main"});
    if let Some(mut git) = trigger {
        git["sourceActionName"] = json!("Src");
        declared["triggers"] = json!([{"providerType": "CodeStarSourceConnection", "gitConfiguration": git}]);
    }
    declared
}

fn told(detail: Value) -> Value {
    let mut all = json!({"connectionArn": CONNECTION, "fullRepositoryId": "team/app", "referenceType": "branch"});
    all.as_object_mut().unwrap().extend(detail.as_object().unwrap().clone());
    json!({
        "source": "headworks.codeconnections", "detail-type": "Connection Repository State Change",
        "resources": [CONNECTION], "detail": all,
    })
}

#[tokio::test]
async fn a_change_that_is_told_after_a_pipeline_was_made_does_not_start_it_when_it_was_before() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let push = json!({
            "source": "aws.codecommit", "detail-type": "CodeCommit Repository State Change",
            "resources": ["arn:aws:codecommit:eu-west-1:123456789012:repo"],
            "detail": {"event": "referenceCreated", "repositoryName": "repo", "referenceType": "branch",
                       "referenceName": "main", "commitId": "abc"},
        });
        let (before, connected) =
            (world.cx.now(), told(json!({"event": "push", "referenceName": "main", "commitId": "c"})));
        world.tick();
        world.create(declaration()).await.unwrap();
        world.event_of(push.clone(), "1", before).await;
        assert_eq!(world.executions().await.len(), 1, "the one that creation starts has that commit");
        world.event(push, "2").await;
        assert_eq!(world.executions().await.len(), 2);
        delete_pipeline(&world.cx, input(json!({"name": "demo"}))).await.unwrap();
        world.create(from_connection(None)).await.unwrap();
        // Those of the deleted one have the same name.
        let known = world.executions().await.len();
        world.event_of(connected, "3", before).await;
        assert_eq!(world.executions().await.len(), known);
    })
    .await;
}

#[tokio::test]
async fn a_revision_starts_once_whoever_tells_of_it_first() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(from_connection(None)).await.unwrap();
        let sources = polled_sources(&world.cx).await.unwrap();
        assert_eq!(sources.len(), 1);
        assert_eq!((sources[0].repository.as_str(), sources[0].stage.as_str()), ("team/app", "Source"));
        // The first look finds what creation starts with.
        polled(&world.cx, &sources[0], "a").await.unwrap();
        assert_eq!(world.executions().await.len(), 1);
        world.tick();
        for _ in 0..2 {
            polled(&world.cx, &sources[0], "b").await.unwrap();
        }
        let executions = world.executions().await;
        assert_eq!(executions.len(), 2);
        assert_eq!(executions[0]["trigger"], json!({"triggerType": "PollForSourceChanges", "triggerDetail": "Src"}));
        world.tick();
        let push = |commit: &str| told(json!({"event": "push", "referenceName": "main", "commitId": commit}));
        world.event(push("b"), "1").await;
        assert_eq!(world.executions().await.len(), 2);
        world.event(push("c"), "2").await;
        polled(&world.cx, &sources[0], "c").await.unwrap();
        let executions = world.executions().await;
        assert_eq!(executions.len(), 3);
        assert_eq!(executions[0]["trigger"], json!({"triggerType": "Webhook", "triggerDetail": CONNECTION}));
        // A branch that is set back is news again.
        world.tick();
        polled(&world.cx, &sources[0], "b").await.unwrap();
        assert_eq!(world.executions().await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_source_of_a_connection_with_a_trigger_or_without_detection_is_not_polled() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let trigger = json!({"push": [{"branches": {"includes": ["main"]}, "filePaths": {"includes": ["src/**"]}}]});
        world.create(from_connection(Some(trigger))).await.unwrap();
        let mut deaf = from_connection(None);
        deaf["name"] = json!("deaf");
        deaf["stages"][0]["actions"][0]["configuration"]["DetectChanges"] = json!("false");
        world.create(deaf).await.unwrap();
        assert!(polled_sources(&world.cx).await.unwrap().is_empty());
        world.tick();
        let push = |files: Value| {
            told(json!({"event": "push", "referenceName": "main", "commitId": "c", "oldCommitId": "b", "files": files}))
        };
        world.event(push(json!(["docs/x"])), "1").await;
        assert_eq!(world.executions().await.len(), 1);
        world.event(push(json!(["docs/x", "src/y"])), "2").await;
        let trigger = world.executions().await[0]["trigger"].clone();
        assert_eq!(trigger["triggerType"], "WebhookV2");
        let detail: Value = serde_json::from_str(trigger["triggerDetail"].as_str().unwrap()).unwrap();
        assert_eq!(
            detail,
            json!({
                "provider": "CodeStarSourceConnection", "repository": "team/app", "connection": CONNECTION,
                "event": "push", "branch": "main", "commit": "c", "before": "b",
            })
        );
    })
    .await;
}

#[tokio::test]
async fn the_token_of_a_github_action_is_kept_apart_and_kept_on_update() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let mut declared = declaration();
        let source = &mut declared["stages"][0]["actions"][0];
        source["actionTypeId"] =
            json!({"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"});
        source["configuration"] = json!({"Owner": "o", "Repo": "r", "Branch": "main", "OAuthToken": "hunter2"});
        let made = world.create(declared.clone()).await.unwrap();
        let token = "/pipeline/stages/0/actions/0/configuration/OAuthToken";
        assert_eq!(made.pointer(token).unwrap(), "****");
        let secret = || action_secret(&world.cx, "demo", "Source", "Src", "OAuthToken");
        assert_eq!(secret().await.unwrap().unwrap().expose(), "hunter2");
        let got = json_of(&get_pipeline(&world.cx, input(json!({"name": "demo"}))).await.unwrap());
        assert_eq!(got.pointer(token).unwrap(), "****");
        update_pipeline(&world.cx, input(json!({"pipeline": got["pipeline"]}))).await.unwrap();
        assert_eq!(secret().await.unwrap().unwrap().expose(), "hunter2");
        update_pipeline(&world.cx, input(json!({"pipeline": declared}))).await.unwrap();
        let mut other = got["pipeline"].clone();
        other["name"] = json!("other");
        assert_eq!(world.create(other).await.unwrap_err().code, "ValidationException");
        delete_pipeline(&world.cx, input(json!({"name": "demo"}))).await.unwrap();
        assert!(secret().await.unwrap().is_none());
    })
    .await;
}
