//! Approvals beyond AWS: who may give them, how many it takes, and what they must say.

use std::time::Duration;

use base::ApiError;
use engine::pipeline::{ActionResult, Execution};
use serde_json::{Value, json};
use store::testing::each_engine;
use store::{machine, outbox};

use super::tests::{World, code, declaration, input, machines, world};
use super::*;

fn user(name: &str) -> String {
    format!("arn:aws:iam::123456789012:user/{name}")
}

impl World {
    /// The same installation, called by another user.
    fn called_by(&self, name: &str) -> platform::Cx {
        let mut cx = self.cx.clone();
        cx.caller.principal.arn = user(name);
        cx
    }

    async fn decided(&self, name: &str, token: &str, result: (&str, &str)) -> Result<(), ApiError> {
        let put = json!({
            "pipelineName": "demo", "stageName": "Approve", "actionName": "Ok", "token": token,
            "result": {"status": result.0, "summary": result.1},
        });
        put_approval_result(&self.called_by(name), input(put)).await.map(|_| ())
    }

    /// Has the source succeed, with a revision that these users have pushed, and gives the approval as the state shows it.
    async fn fetched(&self, pushers: &[&str]) -> Value {
        let claimed = outbox::claim(&self.cx.store, "test", 10, Duration::from_secs(60)).await.unwrap();
        let pushers: Vec<String> = pushers.iter().map(|name| user(name)).collect();
        for claimed in claimed {
            let result: ActionResult = serde_json::from_value(json!({"Succeeded": {
                "output_variables": {"CommitId": "8cf40f2"},
                "output_artifacts": [{"name": "Src", "bucket": "artifacts", "key": "k"}],
                "revision": {"id": "8cf40f2", "summary": null, "url": null, "created": null, "pushers": pushers},
            }}))
            .unwrap();
            self.finish(claimed, result).await;
        }
        self.approval().await
    }

    async fn approval(&self) -> Value {
        self.state().await["stageStates"][1]["actionStates"][0]["latestExecution"].clone()
    }
}

fn asking(configuration: Value) -> Value {
    let mut declaration = declaration();
    declaration["stages"][1]["actions"][0]["configuration"] = configuration;
    declaration
}

#[tokio::test]
async fn two_approvals_at_the_same_moment_count_two() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(asking(json!({"HeadworksQuorum": "3"}))).await.unwrap();
        let approval = world.fetched(&[]).await;
        assert_eq!(approval["summary"], "0 of 3 approvals");
        let token = approval["token"].as_str().unwrap();
        let yes = ("Approved", "");
        let both = tokio::join!(world.decided("ann", token, yes), world.decided("bob", token, yes));
        assert!(both.0.is_ok() && both.1.is_ok(), "{both:?}");
        let told = world.approval().await["summary"].as_str().unwrap().to_owned();
        assert!(told.starts_with("2 of 3 approvals (") && told.contains(&user("ann")) && told.contains(&user("bob")));
        let twice = world.decided("bob", token, yes).await.unwrap_err();
        assert_eq!(twice.code, "ApprovalAlreadyCompletedException");
        assert_eq!(
            twice.message,
            format!("{} has approved this action already: it waits for 1 more, of others.", user("bob"))
        );
        world.decided("cyn", token, ("Approved", "at last")).await.unwrap();
        assert_eq!(world.approval().await["status"], "Succeeded");
        assert_eq!(code(world.decided("dan", token, yes).await), "ApprovalAlreadyCompletedException");
    })
    .await;
}

#[tokio::test]
async fn who_started_retried_or_pushed_may_not_approve() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(asking(json!({"HeadworksSelfApproval": "false"}))).await.unwrap();
        let approval = world.fetched(&["bob"]).await;
        assert_eq!(approval["summary"], Value::Null);
        let token = approval["token"].as_str().unwrap();
        for (name, why) in [("ann", "started"), ("bob", "pushed revision 8cf40f2 of source 'Src'")] {
            let refused = world.decided(name, token, ("Approved", "")).await.unwrap_err();
            assert_eq!(refused.code, "AccessDeniedException");
            assert!(refused.message.contains(&user(name)) && refused.message.contains(why), "{}", refused.message);
        }
        world.decided("bob", token, ("Rejected", "")).await.unwrap();
        let id = world.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
        let retry = json!({
            "pipelineName": "demo", "stageName": "Approve", "pipelineExecutionId": id, "retryMode": "FAILED_ACTIONS",
        });
        retry_stage_execution(&world.called_by("cyn"), input(retry)).await.unwrap();
        let token = world.approval().await["token"].as_str().unwrap().to_owned();
        assert_eq!(code(world.decided("cyn", &token, ("Approved", "")).await), "AccessDeniedException");
        world.decided("dan", &token, ("Approved", "")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_author_who_is_not_known_is_told_of() {
    let world = world(store::testing::sqlite(machines()).await);
    world.create(asking(json!({"HeadworksSelfApproval": "false"}))).await.unwrap();
    let approval = world.fetched(&[]).await;
    assert_eq!(approval["summary"], "The author of the revision of source 'Src' is not known, and could approve");
}

#[tokio::test]
async fn an_approval_names_the_revision() {
    let world = world(store::testing::sqlite(machines()).await);
    world.create(asking(json!({"HeadworksRevision": "#{Source.CommitId}"}))).await.unwrap();
    let approval = world.fetched(&[]).await;
    let token = approval["token"].as_str().unwrap();
    let refused = world.decided("ann", token, ("Approved", "yes")).await.unwrap_err();
    assert_eq!(refused.code, "ValidationException");
    let text = "This approval is for revision 8cf40f2: the summary of the approval must contain 8cf40f2";
    assert!(refused.message.ends_with(text), "{}", refused.message);
    world.decided("ann", token, ("Approved", "yes, 8cf40f2")).await.unwrap();
    assert_eq!(world.approval().await["summary"], "yes, 8cf40f2");
}

#[tokio::test]
async fn a_token_does_not_follow_from_what_everybody_knows() {
    let world = world(store::testing::sqlite(machines()).await);
    world.create(asking(json!({}))).await.unwrap();
    let approval = world.fetched(&[]).await;
    let id = world.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    let row = machine::get::<Execution>(&mut world.cx.store.read().await.unwrap(), &id).await.unwrap().unwrap();
    let key = format!("{id}/Approve/Ok/1");
    let token = |salt: &[&str]| {
        let parts: Vec<&str> =
            ["approval"].iter().chain(salt).copied().chain([key.as_str(), "Src", "8cf40f2"]).collect();
        json!(base::derived_uuid(&parts))
    };
    assert_eq!(approval["token"], token(&[&row.state.salt]));
    for guess in [token(&[]), token(&[""]), token(&[&id]), json!(base::derived_uuid(&["approval", &key]))] {
        assert_ne!(approval["token"], guess);
    }
}

#[tokio::test]
async fn a_pipeline_none_of_whose_sources_tells_its_author_cannot_forbid_self_approval() {
    let world = world(store::testing::sqlite(machines()).await);
    let mut declared = asking(json!({"HeadworksSelfApproval": "false"}));
    let source = &mut declared["stages"][0]["actions"][0];
    source["actionTypeId"]["provider"] = json!("S3");
    source["configuration"] = json!({"S3Bucket": "b", "S3ObjectKey": "k"});
    let refused = world.create(declared).await.unwrap_err();
    assert_eq!(refused.code, "InvalidActionDeclarationException");
    assert!(refused.message.contains("no source of the pipeline tells who pushed"), "{}", refused.message);
}
