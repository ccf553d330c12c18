//! Actions that start other pipelines, or bring them along.

use std::io::{Cursor, Write};
use std::sync::Arc;

use base::Machine as _;
use devtools::codepipeline;
use engine::pipeline::{Execution, ExecutionState};
use platform::s3::{self, Describe};
use serde_json::{Value, json};
use store::testing::each_engine;
use store::{machine, outbox};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::tests::{World, action, input, machines, world};

const ROLE: &str = "arn:aws:iam::123456789012:role/p";

fn source() -> Value {
    action("Src", "Source", "S3", json!({"S3Bucket": "src", "S3ObjectKey": "app.zip"}), (&[], &["Src"]))
}

fn put(bucket: &str) -> Value {
    let configuration = json!({"BucketName": bucket, "Extract": "false", "ObjectKey": "app"});
    action("Put", "Deploy", "S3", configuration, (&["Src"], &[]))
}

fn invoke(configuration: Value) -> Value {
    action("Fan", "Invoke", "CodePipeline", configuration, (&[], &[]))
}

fn brings(mut more: Value) -> Value {
    more["HeadworksDefinition"] = json!("Src::plan.json");
    action("Fan", "Invoke", "CodePipeline", more, (&["Src"], &[]))
}

fn pipeline(name: &str, second: Value) -> Value {
    json!({
        "name": name, "roleArn": ROLE, "pipelineType": "V2", "executionMode": "PARALLEL",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [{"name": "Source", "actions": [source()]}, {"name": "Then", "actions": [second]}],
    })
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

impl World {
    async fn upload_files(&self, files: &[(&str, &str)]) {
        let content = zip(files).into();
        s3::put_bytes(&self.cx.cx, "src", "app.zip", content, Describe::default()).await.unwrap();
    }

    async fn make(&self, pipeline: Value) {
        codepipeline::create_pipeline(&self.cx.cx, input(json!({"pipeline": pipeline}))).await.unwrap();
    }

    async fn of(&self, pipeline: &str) -> Vec<ExecutionState> {
        let mut tx = self.cx.cx.store.read().await.unwrap();
        let rows = machine::list::<Execution>(&mut tx, self.cx.cx.scope(), None, None, 50, true).await.unwrap();
        rows.into_iter().map(|r| r.state).filter(|s| s.definition.name == pipeline).collect()
    }

    async fn run_demo(&self) -> String {
        let start = input(json!({"name": "demo"}));
        let id = codepipeline::start_pipeline_execution(&self.cx.cx, start).await.unwrap().pipeline_execution_id;
        self.drive().await;
        id
    }

    /// An execution of `demo` that failed with its child, and was just told to try again.
    async fn retried(&self) -> (String, String) {
        self.upload_files(&[("a", "a")]).await;
        self.make(pipeline("child", put("nowhere"))).await;
        self.drive().await;
        self.make(pipeline("demo", invoke(json!({"PipelineName": "child", "HeadworksWait": "true"})))).await;
        self.drive().await;
        let demo = self.of("demo").await.remove(0);
        assert_eq!(Execution::status(&demo), "Failed");
        let child = demo.stages[1].actions[0].external.id.clone().unwrap();
        let retry = json!({"pipelineName": "demo", "stageName": "Then", "pipelineExecutionId": demo.id,
            "retryMode": "FAILED_ACTIONS"});
        codepipeline::retry_stage_execution(&self.cx.cx, input(retry)).await.unwrap();
        (demo.id, child)
    }

    async fn nothing_is_left_to_do(&self) {
        let left = outbox::claim(&self.cx.cx.store, "last", 20, std::time::Duration::from_secs(60)).await.unwrap();
        let left: Vec<_> = left.iter().filter(|c| c.kind == Execution::KIND).map(|c| &c.key).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[tokio::test]
async fn a_retry_that_is_stopped_before_its_child_goes_on_ends_there() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let (demo, child) = world.retried().await;
        let stop = json!({"pipelineName": "demo", "pipelineExecutionId": demo, "abandon": false});
        codepipeline::stop_pipeline_execution(&world.cx.cx, input(stop)).await.unwrap();
        world.drive().await;
        assert_eq!(Execution::status(&world.state(&demo).await), "Stopped");
        assert_eq!(Execution::status(&world.state(&child).await), "Failed", "the child was not tried again");
        world.nothing_is_left_to_do().await;
    })
    .await;
}

#[tokio::test]
async fn a_retry_that_is_abandoned_before_its_child_goes_on_leaves_it_alone() {
    let world = world(store::testing::sqlite(machines()).await).await;
    let (demo, child) = world.retried().await;
    let stop = json!({"pipelineName": "demo", "pipelineExecutionId": demo, "abandon": true});
    codepipeline::stop_pipeline_execution(&world.cx.cx, input(stop)).await.unwrap();
    world.drive().await;
    assert_eq!(Execution::status(&world.state(&demo).await), "Stopped");
    assert_eq!(world.state(&child).await.stages.len(), 2, "the child was not tried again");
    world.nothing_is_left_to_do().await;
}

#[tokio::test]
async fn a_retry_whose_pipeline_is_changed_meanwhile_still_ends() {
    let world = world(store::testing::sqlite(machines()).await).await;
    let (demo, child) = world.retried().await;
    let mut changed = pipeline("demo", invoke(json!({"PipelineName": "child", "HeadworksWait": "true"})));
    changed["executionMode"] = json!("QUEUED");
    codepipeline::update_pipeline(&world.cx.cx, input(json!({"pipeline": changed}))).await.unwrap();
    world.drive().await;
    assert_eq!(Execution::status(&world.state(&demo).await), "Failed");
    assert_eq!(Execution::status(&world.state(&child).await), "Failed");
    world.nothing_is_left_to_do().await;
}

#[tokio::test]
async fn a_retry_whose_childs_pipeline_is_gone_fails() {
    let world = world(store::testing::sqlite(machines()).await).await;
    let (demo, _) = world.retried().await;
    codepipeline::delete_pipeline(&world.cx.cx, input(json!({"name": "child"}))).await.unwrap();
    world.drive().await;
    assert_eq!(Execution::status(&world.state(&demo).await), "Failed");
    let error = world.last_action(&demo).await["output"]["executionResult"]["errorDetails"].clone();
    assert!(error["message"].as_str().unwrap().contains("PipelineNotFoundException"), "{error}");
    world.nothing_is_left_to_do().await;
}

fn plan(second: &Value) -> String {
    json!({"stages": [{"name": "Source", "actions": [source()]}, {"name": "Then", "actions": [second]}]}).to_string()
}

#[tokio::test]
async fn a_pipeline_that_was_brought_along_goes_with_its_parent() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.upload_files(&[("plan.json", &plan(&put("site")))]).await;
        world.make(pipeline("demo", brings(json!({})))).await;
        world.drive().await;
        assert_eq!(Execution::status(&world.of("demo").await[0]), "Succeeded", "{:?}", world.of("demo").await);
        let names = async || {
            let mut tx = world.cx.cx.store.read().await.unwrap();
            let scope = world.cx.cx.scope();
            let all = store::tables::codepipeline_pipeline::list(&mut tx, scope, "", 10).await.unwrap();
            let counted = store::tables::codepipeline_pipeline::count(&mut tx, scope, "").await.unwrap();
            (all.into_iter().map(|row| row.name).collect::<Vec<_>>(), counted)
        };
        assert_eq!(names().await, (vec!["demo".to_owned(), "demo@Fan".to_owned()], 1));
        codepipeline::delete_pipeline(&world.cx.cx, input(json!({"name": "demo"}))).await.unwrap();
        assert_eq!(names().await, (vec![], 0));
    })
    .await;
}

#[tokio::test]
async fn a_definition_with_a_secret_is_no_new_version_each_time() {
    let world = world(store::testing::sqlite(machines()).await).await;
    let kind = json!({
        "category": "Deploy", "provider": "Mine", "version": "1",
        "inputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
        "outputArtifactDetails": {"minimumCount": 0, "maximumCount": 1},
        "configurationProperties": [{"name": "Token", "required": true, "key": false, "secret": true}],
    });
    codepipeline::create_custom_action_type(&world.cx.cx, input(kind)).await.unwrap();
    let work = |token: &str| {
        let mut work = action("Work", "Deploy", "Mine", json!({"Token": token}), (&["Src"], &[]));
        work["actionTypeId"]["owner"] = json!("Custom");
        plan(&work)
    };
    let version = async || {
        let get = input(json!({"name": "demo@Fan"}));
        let got = codepipeline::get_pipeline(&world.cx.cx, get).await.unwrap();
        serde_json::to_value(&got).unwrap()["pipeline"]["version"].clone()
    };
    world.upload_files(&[("plan.json", &work("one"))]).await;
    world.make(pipeline("demo", brings(json!({"HeadworksWait": "false"})))).await;
    world.drive().await;
    assert_eq!(version().await, json!(1));
    world.run_demo().await;
    assert_eq!(version().await, json!(1));
    world.upload_files(&[("plan.json", &work("two"))]).await;
    world.run_demo().await;
    assert_eq!(version().await, json!(2));
}

#[tokio::test]
async fn what_is_brought_along_may_do_what_the_role_of_its_action_may() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("narrow", json!({"Service": "codepipeline.amazonaws.com"})).await;
    world.upload_files(&[("plan.json", &plan(&put("site")))]).await;
    let mut fan = brings(json!({}));
    fan["roleArn"] = json!("arn:aws:iam::123456789012:role/narrow");
    let on = |resource: &str| format!("arn:aws:codepipeline:*:*:{resource}");
    world.allow("narrow", "start", &["codepipeline:StartPipelineExecution"], &on("demo@Fan")).await;
    world.make(pipeline("demo", fan)).await;
    world.drive().await;
    let first = world.of("demo").await.remove(0);
    world.lacks(&first.id, "the Amazon S3 bucket named artifacts", "s3:GetObject").await;

    world.allow("narrow", "read", &["s3:*"], "arn:aws:s3:::artifacts/*").await;
    let second = world.run_demo().await;
    assert_eq!(Execution::status(&world.state(&second).await), "Failed");
    let child = world.of("demo@Fan").await.remove(0);
    let engine::pipeline::ActionStatus::Failed(error) = &child.stages[0].actions[0].status else { panic!("{child:?}") };
    assert!(error.message.contains("is not authorized to perform: s3:GetObject"), "{error:?}");
}

#[tokio::test]
async fn without_a_role_what_is_brought_along_may_do_what_its_parent_may() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("p", json!({"Service": "codepipeline.amazonaws.com"})).await;
    world.upload_files(&[("plan.json", &plan(&put("site")))]).await;
    world.allow("p", "read", &["s3:GetObject"], "arn:aws:s3:::src/*").await;
    world.allow("p", "store", &["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::artifacts/*").await;
    world.make(pipeline("demo", brings(json!({})))).await;
    world.drive().await;
    let first = world.of("demo").await.remove(0);
    let engine::pipeline::ActionStatus::Failed(error) = &first.stages[1].actions[0].status else { panic!("{first:?}") };
    assert!(error.message.contains("is not authorized to perform: codepipeline:StartPipelineExecution"), "{error:?}");
    assert!(world.of("demo@Fan").await.is_empty());

    world.allow("p", "start", &["codepipeline:StartPipelineExecution"], "arn:aws:codepipeline:*:*:demo@Fan").await;
    let second = world.run_demo().await;
    assert_eq!(Execution::status(&world.state(&second).await), "Failed");
    let child = world.of("demo@Fan").await.remove(0);
    let engine::pipeline::ActionStatus::Failed(error) = &child.stages[1].actions[0].status else { panic!("{child:?}") };
    assert!(error.message.contains("is not authorized to perform: s3:PutObject"), "{error:?}");
    world.allow("p", "site", &["s3:PutObject"], "arn:aws:s3:::site/*").await;
    let third = world.run_demo().await;
    assert_eq!(Execution::status(&world.state(&third).await), "Succeeded");
}

#[tokio::test]
async fn an_action_that_waits_for_its_child_waits_for_its_turn() {
    let mut world = world(store::testing::sqlite(machines()).await).await;
    world.upload_files(&[("a", "a")]).await;
    // The upload's event starts nothing that is made later.
    world.drive().await;
    world.make(pipeline("child", action("Ask", "Approval", "Manual", json!({}), (&[], &[])))).await;
    world.drive().await;
    Arc::make_mut(&mut world.cx.cx.site).max_executions = Some(1);
    world.make(pipeline("demo", invoke(json!({"PipelineName": "child", "HeadworksWait": "true"})))).await;
    world.drive().await;
    assert_eq!(Execution::status(&world.of("demo").await[0]), "InProgress");
    assert_eq!(world.of("child").await.len(), 1);
    let first = world.of("child").await.remove(0).id;
    let stop = json!({"pipelineName": "child", "pipelineExecutionId": first, "abandon": true});
    codepipeline::stop_pipeline_execution(&world.cx.cx, input(stop)).await.unwrap();
    world.pass(std::time::Duration::from_secs(11));
    world.drive().await;
    assert_eq!(world.of("child").await.len(), 2, "its turn has come");
}

#[tokio::test]
async fn the_latest_runs_of_a_matrix_are_those_that_it_has() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.upload_files(&[("m.json", r#"["a","b","c"]"#)]).await;
    let configuration = json!({"BucketName": "nowhere", "Extract": "false", "ObjectKey": "#{matrix.value}",
        "HeadworksMatrixFile": "Src::m.json"});
    world.make(pipeline("demo", action("Put", "Deploy", "S3", configuration, (&["Src"], &[])))).await;
    world.drive().await;
    let demo = world.of("demo").await.remove(0);
    let artifact = demo.stages[1].actions[0].inputs[0].clone();
    let fewer = zip(&[("m.json", r#"["a","b"]"#)]).into();
    s3::put_bytes(&world.cx.cx, &artifact.bucket, &artifact.key, fewer, Describe::default()).await.unwrap();
    let retry = json!({"pipelineName": "demo", "stageName": "Then", "pipelineExecutionId": demo.id,
        "retryMode": "ALL_ACTIONS"});
    codepipeline::retry_stage_execution(&world.cx.cx, input(retry)).await.unwrap();
    world.drive().await;
    let list = json!({"pipelineName": "demo", "filter": {"latestInPipelineExecution":
        {"pipelineExecutionId": demo.id, "startTimeRange": "Latest"}}});
    let list = codepipeline::list_action_executions(&world.cx.cx, input(list)).await.unwrap();
    let list = serde_json::to_value(&list).unwrap();
    let details = list["actionExecutionDetails"].as_array().unwrap();
    let mut names: Vec<_> = details.iter().map(|d| d["actionName"].as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Put", "Put@1", "Put@2", "Src"]);
}

#[tokio::test]
async fn the_configurations_of_all_runs_together_have_a_bound() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.upload_files(&[("a", "a")]).await;
    let ten: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    let environment = json!([{"name": "A", "value": "#{variables.long}".repeat(40)}]).to_string();
    let configuration = json!({"ProjectName": "#{matrix.a}#{matrix.b}", "EnvironmentVariables": environment,
        "HeadworksMatrix": json!({"a": ten, "b": ten}).to_string()});
    let mut demo = pipeline("demo", action("Fan", "Build", "CodeBuild", configuration, (&["Src"], &[])));
    demo["variables"] = json!([{"name": "long", "defaultValue": "x".repeat(900)}]);
    world.make(demo).await;
    world.drive().await;
    let demo = world.of("demo").await.remove(0);
    assert_eq!(Execution::status(&demo), "Failed");
    assert_eq!(demo.stages[1].actions.len(), 1, "no run has begun");
    let error = world.last_action(&demo.id).await["output"]["executionResult"]["errorDetails"].clone();
    assert_eq!(error["code"], "ConfigurationError");
    assert!(error["message"].as_str().unwrap().contains("more than 1000000 bytes"), "{error}");
}

#[tokio::test]
async fn what_an_action_failed_of_is_not_told_without_end() {
    let failed = super::failed("JobFailed", "\u{e9}".repeat(9000));
    let engine::pipeline::ActionResult::Failed { message, .. } = failed else { panic!("failed") };
    assert_eq!(message.chars().count(), 2000);
}
