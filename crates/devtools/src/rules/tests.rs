//! Rules that start pipelines and builds, on both databases.

use base::{ApiError, Event};
use engine::build::Build;
use engine::build_queue::BuildQueue;
use engine::pipeline::{Execution, Gates};
use engine::schedule::Schedule;
use platform::events::{self as eventbridge, Patterns};
use platform::{Cx, testing};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::Machines;
use store::events::EventRow;
use store::testing::{TestStore, each_engine};

use super::deliver;
use crate::{codebuild, codepipeline};

pub(super) const PIPELINE: &str = "arn:aws:codepipeline:eu-central-1:123456789012:demo";
pub(super) const ROLE: &str = "arn:aws:iam::123456789012:role/starter";

pub(super) struct World {
    pub(super) cx: Cx,
    pub(super) test: TestStore,
}

pub(super) fn machines() -> Machines {
    let machines = Machines::new().with::<Gates>().with::<Execution>().with::<engine::job::Job>();
    machines.with::<Schedule>().with::<Build>().with::<BuildQueue>()
}

pub(super) async fn call<I: DeserializeOwned, O: Serialize>(
    cx: &Cx,
    operation: impl AsyncFn(&Cx, I) -> Result<O, ApiError>,
    input: Value,
) -> Value {
    let output = operation(cx, serde_json::from_value(input).unwrap()).await;
    serde_json::to_value(output.unwrap_or_else(|e| panic!("{e}"))).unwrap()
}

impl World {
    /// A pipeline on branch main of `repo`, changed as wanted.
    pub(super) async fn new(test: TestStore, change: impl FnOnce(&mut Value)) -> World {
        let world = World { cx: testing::cx(&test), test };
        let id = |category: &str, provider: &str| json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
        let mut pipeline = json!({
            "name": "demo", "roleArn": ROLE, "artifactStore": {"type": "S3", "location": "artifacts"}, "pipelineType": "V2",
            "executionMode": "PARALLEL",
            "stages": [
                {"name": "Source", "actions": [{
                    "name": "Src", "actionTypeId": id("Source", "CodeCommit"),
                    "configuration": {"RepositoryName": "repo", "BranchName": "main"}, "outputArtifacts": [{"name": "Src"}],
                }]},
                {"name": "Approve", "actions": [{"name": "Ok", "actionTypeId": id("Approval", "Manual"), "configuration": {}}]},
            ],
        });
        change(&mut pipeline);
        call(&world.cx, codepipeline::create_pipeline, json!({"pipeline": pipeline})).await;
        world.test.clock.advance(std::time::Duration::from_secs(1));
        world
    }

    pub(super) async fn rule(&self, name: &str, pattern: Value, targets: Value) {
        call(&self.cx, eventbridge::put_rule, json!({"Name": name, "EventPattern": pattern.to_string()})).await;
        let put = call(&self.cx, eventbridge::put_targets, json!({"Rule": name, "Targets": targets})).await;
        assert_eq!(put["FailedEntryCount"], 0, "{put}");
    }

    /// Delivers an event as the driver does, twice: to rules, then to the sources that are watched.
    pub(super) async fn deliver(&self, event: Value, id: &str) {
        let event: Event = serde_json::from_value(event).unwrap();
        for _ in 0..2 {
            let (cx, event, id) = (self.cx.clone(), event.clone(), id.to_owned());
            let delivery = self.cx.store.write(move |tx| {
                let cx = cx.clone();
                let row = EventRow {
                    seq: 1,
                    id: id.clone(),
                    scope: cx.scope().clone(),
                    time: tx.now(),
                    event: event.clone(),
                };
                Box::pin(async move {
                    deliver(&cx, &Patterns::default(), tx, &row).await?;
                    codepipeline::on_event(tx, &*cx.ids, &row).await
                })
            });
            delivery.await.unwrap();
        }
        self.test.clock.advance(std::time::Duration::from_secs(1));
    }

    /// Newest first, without the one that creation started.
    pub(super) async fn executions(&self) -> Vec<Value> {
        let list = call(&self.cx, codepipeline::list_pipeline_executions, json!({"pipelineName": "demo"})).await;
        let mut all = list["pipelineExecutionSummaries"].as_array().unwrap().clone();
        // Creation starts one, unless a variable has no value.
        all.retain(|execution| execution["trigger"]["triggerType"] != "CreatePipeline");
        all
    }

    pub(super) async fn counted(&self) -> Vec<(String, i64, i64)> {
        let mut tx = self.cx.store.read().await.unwrap();
        let counts = store::tables::events_target::counts(&mut tx).await.unwrap();
        counts.into_iter().map(|c| (c.rule, c.started, c.failed)).collect()
    }
}

pub(super) fn push(branch: &str, commit: &str) -> Value {
    json!({
        "source": "aws.codecommit", "detail-type": "CodeCommit Repository State Change",
        "resources": ["arn:aws:codecommit:eu-central-1:123456789012:repo"],
        "detail": {"event": "referenceUpdated", "repositoryName": "repo", "referenceType": "branch",
                   "referenceName": branch, "commitId": commit, "oldCommitId": "0"},
    })
}

pub(super) fn custom(detail: Value) -> Value {
    json!({"source": "my.app", "detail-type": "Ready", "resources": [], "detail": detail})
}

pub(super) fn target(id: &str, more: Value) -> Value {
    let mut target = json!({"Id": id, "Arn": PIPELINE, "RoleArn": ROLE});
    target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    target
}

pub(super) fn rule_arn(name: &str) -> String {
    format!("arn:aws:events:eu-central-1:123456789012:rule/{name}")
}

#[tokio::test]
async fn a_push_that_a_rule_and_the_source_tell_of_starts_one_execution_in_the_rules_name() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |_| {}).await;
        let pattern = json!({"source": ["aws.codecommit"], "detail": {"referenceName": ["main"]}});
        world.rule("pushed", pattern, json!([target("t", json!({}))])).await;
        world.deliver(push("main", "c1"), "e1").await;
        let executions = world.executions().await;
        assert_eq!(executions.len(), 1);
        let trigger = json!({"triggerType": "CloudWatchEvent", "triggerDetail": rule_arn("pushed")});
        assert_eq!(executions[0]["trigger"], trigger);
        world.deliver(push("topic", "c2"), "e2").await;
        assert_eq!(world.executions().await.len(), 1);
        call(&world.cx, eventbridge::disable_rule, json!({"Name": "pushed"})).await;
        world.deliver(push("main", "c3"), "e3").await;
        let executions = world.executions().await;
        assert_eq!((executions.len(), &executions[0]["trigger"]["triggerType"]), (2, &json!("PollForSourceChanges")));
    })
    .await;
}

#[tokio::test]
async fn each_target_of_each_rule_starts_once_for_an_event() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |_| {}).await;
        let pattern = json!({"source": ["my.app"]});
        world.rule("one", pattern.clone(), json!([target("a", json!({})), target("b", json!({}))])).await;
        world.rule("two", pattern, json!([target("a", json!({}))])).await;
        world.deliver(custom(json!({})), "e1").await;
        assert_eq!(world.executions().await.len(), 3);
        world.deliver(custom(json!({})), "e2").await;
        assert_eq!(world.executions().await.len(), 6);
    })
    .await;
}

#[tokio::test]
async fn what_a_target_is_given_sets_variables_and_revisions() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |pipeline| pipeline["variables"] = json!([{"name": "Env"}])).await;
        let variables = r#"{"variables": [{"name": "Env", "value": "prod"}]}"#;
        let template = r#"{"sourceRevisions": {"actionName": "Src", "revisionType": "COMMIT_ID", "revisionValue": "<commit>"},
                           "variables": [{"name": "Env", "value": <env>}]}"#;
        let transformer = json!({"InputTransformer": {
            "InputPathsMap": {"commit": "$.detail.commit", "env": "$.detail.env"}, "InputTemplate": template,
        }});
        world.rule("all", json!({"source": ["my.app"]}), json!([
            target("constant", json!({"Input": variables})),
            target("path", json!({"InputPath": "$.detail.for"})),
            target("plain", json!({})),
            target("template", transformer),
        ])).await;
        let detail = json!({
            "commit": "c7", "env": "test", "for": {"variables": [{"name": "Env", "value": "stage"}], "other": 1},
        });
        world.deliver(custom(detail), "e1").await;
        let executions = world.executions().await;
        // The plain one has no value for the variable.
        assert_eq!(executions.len(), 3);
        assert_eq!(world.counted().await, [("all".to_owned(), 6, 2)]);
        let mut values = Vec::new();
        for execution in &executions {
            let get = json!({"pipelineName": "demo", "pipelineExecutionId": execution["pipelineExecutionId"]});
            let shown = call(&world.cx, codepipeline::get_pipeline_execution, get).await;
            values.push(shown["pipelineExecution"]["variables"][0]["resolvedValue"].as_str().unwrap().to_owned());
        }
        values.sort();
        assert_eq!(values, ["prod", "stage", "test"]);
        world.deliver(custom(json!({"commit": 1})), "e2").await;
        assert_eq!(world.counted().await, [("all".to_owned(), 8, 8)]);
    })
    .await;
}

#[tokio::test]
async fn a_pipeline_that_is_gone_holds_up_nothing() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |_| {}).await;
        let gone = json!({"Arn": "arn:aws:codepipeline:eu-central-1:123456789012:gone"});
        world.rule("r", json!({"source": ["my.app"]}), json!([target("a", gone), target("b", json!({}))])).await;
        world.deliver(custom(json!({})), "e1").await;
        assert_eq!(world.executions().await.len(), 1);
        assert_eq!(world.counted().await, [("r".to_owned(), 2, 2)]);
    })
    .await;
}

#[tokio::test]
async fn a_build_project_is_a_target_with_overrides() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |_| {}).await;
        let project = json!({
            "name": "nightly", "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: ['true']}}"},
            "artifacts": {"type": "NO_ARTIFACTS"}, "serviceRole": ROLE,
            "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
        });
        call(&world.cx, codebuild::create_project, project).await;
        let arn = json!({"Arn": "arn:aws:codebuild:eu-central-1:123456789012:project/nightly"});
        let with = |input: &str| {
            let mut more = arn.clone();
            more["Input"] = json!(input);
            more
        };
        let variables = r#"{"environmentVariablesOverride": [{"name": "A", "value": "b"}]}"#;
        world.rule("nightly", json!({"source": ["my.app"]}), json!([
            target("good", with(variables)), target("bad", with(r#"{"imagineOverride": 1}"#)),
        ])).await;
        world.deliver(custom(json!({})), "e1").await;
        let ids = call(&world.cx, codebuild::list_builds_for_project, json!({"projectName": "nightly"})).await["ids"].clone();
        assert_eq!(ids.as_array().unwrap().len(), 1);
        let build = call(&world.cx, codebuild::batch_get_builds, json!({"ids": ids})).await["builds"][0].clone();
        assert_eq!(build["initiator"], "rule/nightly");
        assert_eq!(build["environment"]["environmentVariables"][0]["name"], "A");
        assert_eq!(world.counted().await, [("nightly".to_owned(), 2, 2)]);
    })
    .await;
}

#[tokio::test]
async fn whoever_puts_an_event_or_pushes_counts_as_the_one_who_started() {
    each_engine(machines(), |test| async move {
        let world = World::new(test, |_| {}).await;
        world.rule("r", json!({"source": ["my.app", "aws.codecommit"]}), json!([target("a", json!({}))])).await;
        let entry = json!({"Source": "my.app", "DetailType": "Ready", "Detail": "{}"});
        call(&world.cx, eventbridge::put_events, json!({"Entries": [entry]})).await;
        let events = store::events::pending(&mut world.cx.store.read().await.unwrap(), 100).await.unwrap();
        let put = events.into_iter().find(|event| event.event.source == "my.app").unwrap();
        world.deliver(serde_json::to_value(&put.event).unwrap(), &put.id).await;
        let mut pushed = push("main", "c1");
        pushed["detail"]["callerUserArn"] = json!("arn:aws:iam::123456789012:user/bob");
        world.deliver(pushed, "e1").await;
        let mut starters = Vec::new();
        for execution in world.executions().await {
            let id = execution["pipelineExecutionId"].as_str().unwrap();
            let mut tx = world.cx.store.read().await.unwrap();
            starters.extend(store::machine::get::<Execution>(&mut tx, id).await.unwrap().unwrap().state.starters);
        }
        let [bob, root] = ["arn:aws:iam::123456789012:user/bob", "arn:aws:iam::123456789012:root"];
        // Root has put the target, too.
        assert_eq!(starters, [bob, root, root]);
    })
    .await;
}
