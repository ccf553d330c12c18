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
        self.fetched_revision("8cf40f2", pushers).await
    }

    async fn fetched_revision(&self, id: &str, pushers: &[&str]) -> Value {
        let claimed = outbox::claim(&self.cx.store, "test", 10, Duration::from_secs(60)).await.unwrap();
        let pushers: Vec<String> = pushers.iter().map(|name| user(name)).collect();
        for claimed in claimed {
            let result: ActionResult = serde_json::from_value(json!({"Succeeded": {
                "output_variables": {"CommitId": id},
                "output_artifacts": [{"name": "Src", "bucket": "artifacts", "key": "k"}],
                "revision": {"id": id, "summary": null, "url": null, "created": null, "pushers": pushers},
            }}))
            .unwrap();
            self.finish(claimed, result).await;
        }
        self.approval().await
    }

    /// A commit of a user to the branch that the pipeline watches.
    async fn commits(&self, name: &str, parent: Option<&str>) -> String {
        let mut put = json!({
            "repositoryName": "repo", "branchName": "main", "filePath": "a.txt", "fileContent": format!("{name}A"),
        });
        if let Some(parent) = parent {
            put["parentCommitId"] = json!(parent);
        }
        let made = crate::codecommit::put_file(&self.called_by(name), input(put)).await.unwrap();
        serde_json::to_value(made).unwrap()["commitId"].as_str().unwrap().to_owned()
    }

    async fn newest(&self) -> String {
        self.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
    }

    /// Who has made what an execution brings with this commit.
    async fn authors(&self, execution: &str, commit: &str) -> Vec<String> {
        let mut tx = self.cx.store.read().await.unwrap();
        let row = crate::codecommit::find_repository(&mut tx, self.cx.scope(), "repo").await.unwrap().unwrap();
        drop(tx);
        let repository = crate::codecommit::open(&self.cx, &row).await.unwrap();
        let commit = git::ObjectId::parse(commit).unwrap();
        let authors = authors(&self.cx, (execution, "Src"), (&row, &repository), commit).await.unwrap();
        authors.iter().map(|arn| arn.rsplit('/').next().unwrap().to_owned()).collect()
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
        world.decided("bob", token, yes).await.expect("who has not heard the answer asks again");
        assert_eq!(world.approval().await["summary"], told);
        let twice = world.decided("bob", token, ("Approved", "once more")).await.unwrap_err();
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
async fn a_revision_whose_author_is_not_known_is_approved_by_nobody() {
    let world = world(store::testing::sqlite(machines()).await);
    world.create(asking(json!({"HeadworksSelfApproval": "false"}))).await.unwrap();
    let approval = world.fetched(&[]).await;
    assert_eq!(approval["summary"], "Nobody can approve: who pushed the revision of source 'Src' is not known");
    let token = approval["token"].as_str().unwrap();
    let refused = world.decided("dan", token, ("Approved", "")).await.unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
    let text = "who pushed revision 8cf40f2 of source 'Src' is not known. Push a new commit to its branch";
    assert!(refused.message.contains(text), "{}", refused.message);
    world.decided("dan", token, ("Rejected", "")).await.unwrap();
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

#[tokio::test]
async fn what_an_execution_brings_is_the_work_of_all_who_pushed_since_the_last_delivery() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let made = json!({"repositoryName": "repo"});
        crate::codecommit::create_repository(&world.cx, input(made)).await.unwrap();
        let c0 = world.commits("gus", None).await;
        let c1 = world.commits("bob", Some(&c0)).await;
        let mut declared = asking(json!({"HeadworksSelfApproval": "false"}));
        declared["stages"].as_array_mut().unwrap().pop();
        world.create(declared.clone()).await.unwrap();
        let first = world.newest().await;
        // What the pipeline finds when it is made was there already.
        assert_eq!(world.authors(&first, &c1).await, ["bob"]);
        let token = world.fetched_revision(&c1, &["bob"]).await["token"].as_str().unwrap().to_owned();
        world.decided("bob", &token, ("Rejected", "")).await.unwrap();
        // Nothing has been delivered: bob's commit comes along with those on top of it.
        let c2 = world.commits("cyn", Some(&c1)).await;
        let c3 = world.commits("dan", Some(&c2)).await;
        let second = world.start(json!({})).await.unwrap();
        assert_eq!(world.authors(&second, &c3).await, ["bob", "cyn", "dan"]);
        let token = world.fetched_revision(&c3, &["bob", "cyn", "dan"]).await["token"].as_str().unwrap().to_owned();
        assert_eq!(code(world.decided("bob", &token, ("Approved", "")).await), "AccessDeniedException");
        world.decided("eve", &token, ("Approved", "")).await.unwrap();
        assert_eq!(world.execution(&second).await["status"], "Succeeded");
        // That has been delivered: only what is new counts, and an older one for itself.
        let c4 = world.commits("eve", Some(&c3)).await;
        let third = world.start(json!({})).await.unwrap();
        assert_eq!(world.authors(&third, &c4).await, ["eve"]);
        assert_eq!(world.authors(&third, &c2).await, ["cyn"]);
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_whose_variable_has_no_value_is_made_and_waits_for_one() {
    let world = world(store::testing::sqlite(machines()).await);
    let mut declared = declaration();
    declared["pipelineType"] = json!("V2");
    declared["variables"] = json!([{"name": "Version"}]);
    world.create(declared).await.unwrap();
    assert_eq!(world.executions().await, Vec::<Value>::new());
    let given = json!({"variables": [{"name": "Version", "value": "1.2"}]});
    world.start(given).await.unwrap();
    assert_eq!(world.executions().await.len(), 1);
}
