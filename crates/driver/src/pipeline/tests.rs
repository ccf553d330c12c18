//! Pipelines from a push to the deployed object, with the real stores and no loop around them.

use crate::{DriverCx, Performer as _, Subscriber};
use engine::pipeline::{ActionEffect, Work};
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::Duration;
use store::outbox::Claimed;

use base::Machine as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devtools::{codebuild, codecommit, codepipeline, notices};
use engine::build::Build;
use engine::pipeline::{Execution, ExecutionState, Gates};
use platform::s3::{self, Describe};
use serde_json::{Value, json};
use store::testing::{TestStore, each_engine};
use store::{Machines, machine, outbox};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

pub(super) struct World {
    pub(super) cx: DriverCx,
    pub(super) test: TestStore,
}

pub(super) fn input<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(super) fn machines() -> Machines {
    Machines::new().with::<Gates>().with::<Execution>().with::<Build>().with::<engine::job::Job>()
}

pub(super) async fn world(test: TestStore) -> World {
    let cx = platform::testing::cx(&test);
    let executor = Arc::new(executor::DummyExecutor::new(test.clock.clone()));
    let world = World { cx: DriverCx::new(cx, executor), test };
    for bucket in ["artifacts", "site", "src"] {
        let configuration = json!({"LocationConstraint": "eu-central-1"});
        let create = input(json!({"Bucket": bucket, "CreateBucketConfiguration": configuration}));
        s3::create_bucket::create_bucket(&world.cx.cx, create).await.unwrap();
    }
    world
}

pub(super) fn action(
    name: &str,
    category: &str,
    provider: &str,
    configuration: Value,
    artifacts: (&[&str], &[&str]),
) -> Value {
    let names = |list: &[&str]| list.iter().map(|n| json!({"name": n})).collect::<Value>();
    json!({
        "name": name, "configuration": configuration, "namespace": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "inputArtifacts": names(artifacts.0), "outputArtifacts": names(artifacts.1),
    })
}

pub(super) fn code_commit() -> Value {
    let configuration = json!({"RepositoryName": "app", "BranchName": "main"});
    action("Src", "Source", "CodeCommit", configuration, (&[], &["Src"]))
}

impl World {
    pub(super) async fn push(&self, path: &str, text: &str, parent: Option<&str>) -> String {
        if parent.is_none() {
            let create = input(json!({"repositoryName": "app"}));
            codecommit::create_repository(&self.cx.cx, create).await.unwrap();
        }
        let put = json!({
            "repositoryName": "app", "branchName": "main", "filePath": path, "fileContent": STANDARD.encode(text),
            "parentCommitId": parent, "commitMessage": format!("Add {path}\n"), "name": "Ann", "email": "ann@example.com",
        });
        let output = codecommit::put_file(&self.cx.cx, input(put)).await.unwrap();
        serde_json::to_value(&output).unwrap()["commitId"].as_str().unwrap().to_owned()
    }

    pub(super) fn pass(&self, time: Duration) {
        self.test.clock.advance(time);
    }

    /// Creates the pipeline and gives the id of its first execution.
    pub(super) async fn create(&self, first: Value, second: Value) -> String {
        let pipeline = json!({
            "name": "demo", "roleArn": "arn:aws:iam::123456789012:role/p",
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "stages": [{"name": "Source", "actions": [first]}, {"name": "Then", "actions": [second]}],
        });
        codepipeline::create_pipeline(&self.cx.cx, input(json!({"pipeline": pipeline}))).await.unwrap();
        self.executions().await.remove(0)
    }

    /// As `create`, of type V2; `stage` is the second stage, without its name.
    pub(super) async fn create_v2(&self, first: Value, mut stage: Value) -> String {
        stage["name"] = json!("Then");
        let pipeline = json!({
            "name": "demo", "roleArn": "arn:aws:iam::123456789012:role/p", "pipelineType": "V2",
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "variables": [{"name": "site", "defaultValue": "site"}],
            "stages": [{"name": "Source", "actions": [first]}, stage],
        });
        codepipeline::create_pipeline(&self.cx.cx, input(json!({"pipeline": pipeline}))).await.unwrap();
        self.executions().await.remove(0)
    }

    pub(super) async fn executions(&self) -> Vec<String> {
        let mut tx = self.cx.cx.store.read().await.unwrap();
        let rows = machine::list::<Execution>(&mut tx, self.cx.cx.scope(), None, None, 10, true).await.unwrap();
        rows.into_iter().map(|r| r.id).collect()
    }

    async fn claim(&self) -> Vec<Claimed> {
        let all = outbox::claim(&self.cx.cx.store, "test", 20, Duration::from_secs(60)).await.unwrap();
        let ours = [Execution::KIND, codepipeline::TRIGGER, notices::NOTICE];
        all.into_iter().filter(|c| ours.contains(&c.kind.as_str())).collect()
    }

    /// Delivers events and performs effects until nothing is left. How many looks into repositories were claimed.
    pub(super) async fn drive(&self) -> usize {
        let mut looks = 0;
        loop {
            self.deliver().await;
            let claimed = self.claim().await;
            if claimed.is_empty() {
                return looks;
            }
            // The driver performs all of them at once: nothing may depend on which is done first.
            for claimed in claimed.into_iter().rev() {
                if claimed.kind == notices::NOTICE {
                    crate::NoticePerformer.perform(&self.cx, &claimed).await.unwrap();
                } else if claimed.kind == codepipeline::TRIGGER {
                    looks += 1;
                    TriggerPerformer.perform(&self.cx, &claimed).await.unwrap();
                } else {
                    PipelinePerformer.perform(&self.cx, &claimed).await.unwrap();
                }
                // Executions that begin at one moment are listed in any order.
                self.test.clock.advance(Duration::from_millis(50));
            }
        }
    }

    /// Delivers the events that there are.
    pub(super) async fn deliver(&self) {
        self.deliver_with(&[]).await;
    }

    /// The same with others who listen last.
    pub(super) async fn deliver_with(&self, others: &[Arc<dyn Subscriber>]) {
        let mut subscribers: Vec<Arc<dyn Subscriber>> =
            vec![Arc::new(crate::NoticeWriter), Arc::new(PipelineStarter { ids: Arc::new(base::RandomIds) })];
        subscribers.extend_from_slice(others);
        let subscribers = Arc::new(subscribers);
        while crate::bus::publish(&self.cx.cx.store, &subscribers).await.unwrap() {}
    }

    /// As `drive`, but leaves notices where they are.
    pub(super) async fn drive_without_notices(&self) {
        loop {
            self.deliver().await;
            if !self.perform_but_notices().await {
                return;
            }
        }
    }

    /// Performs what can be claimed but notices; whether there was anything.
    pub(super) async fn perform_but_notices(&self) -> bool {
        let claimed = self.claim().await;
        let (notices, claimed): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|c| c.kind == notices::NOTICE);
        for notice in notices {
            let back = self.cx.cx.store.write(move |tx| {
                let notice = notice.clone();
                Box::pin(async move { outbox::retry_later(tx, &notice, Duration::ZERO).await })
            });
            back.await.unwrap();
        }
        let any = !claimed.is_empty();
        for claimed in claimed {
            PipelinePerformer.perform(&self.cx, &claimed).await.unwrap();
            self.test.clock.advance(Duration::from_millis(50));
        }
        any
    }

    pub(super) async fn state(&self, id: &str) -> ExecutionState {
        let mut tx = self.cx.cx.store.read().await.unwrap();
        machine::get::<Execution>(&mut tx, id).await.unwrap().unwrap().state
    }

    /// How the last action of an execution ended, as clients see it.
    pub(super) async fn last_action(&self, id: &str) -> Value {
        let list = json!({"pipelineName": "demo", "filter": {"pipelineExecutionId": id}});
        let list = codepipeline::list_action_executions(&self.cx.cx, input(list)).await.unwrap();
        serde_json::to_value(&list).unwrap()["actionExecutionDetails"][0].clone()
    }

    async fn object(&self, bucket: &str, key: &str) -> (s3::Found, Vec<u8>) {
        let (found, body) = s3::open(&self.cx.cx, bucket, key, None).await.unwrap();
        (found, body.collect(1 << 20).await.unwrap())
    }

    async fn keys(&self, bucket: &str) -> usize {
        s3::list(&self.cx.cx, bucket, "").await.unwrap().len()
    }
}

#[tokio::test]
async fn a_push_becomes_a_deployed_site_and_the_next_push_too() {
    each_engine(machines(), |test| async move {
    let world = world(test).await;
    let commit = world.push("index.html", "<p>one</p>", None).await;
    let configuration =
        json!({"BucketName": "site", "Extract": "true", "ObjectKey": "v/#{Src.CommitId}", "CacheControl": "no-cache"});
    let first = world.create(code_commit(), action("Put", "Deploy", "S3", configuration, (&["Src"], &[]))).await;
    world.drive().await;
    let state = world.state(&first).await;
    assert_eq!(Execution::status(&state), "Succeeded", "{}", world.last_action(&first).await);
    let (found, content) = world.object("site", &format!("v/{commit}/index.html")).await;
    assert_eq!(content, b"<p>one</p>");
    assert_eq!(found.content_type.as_deref(), Some("text/html"));
    let source = state.stages[0].actions[0].clone();
    assert_eq!(source.external.id.as_deref(), Some(commit.as_str()));
    assert_eq!(source.external.summary.as_deref(), Some("Add index.html"));
    let engine::pipeline::ActionStatus::Succeeded { variables, outputs } = source.status else { panic!("succeeded") };
    assert_eq!(variables["CommitMessage"], "Add index.html");
    assert_eq!(variables["BranchName"], "main");
    assert!(outputs[0].key.starts_with("demo/Src/"));

    let before = world.executions().await.len();
    let second = world.push("more.txt", "two", Some(&commit)).await;
    world.drive().await;
    assert_eq!(world.executions().await.len(), before + 1);
    assert_eq!(world.object("site", &format!("v/{second}/more.txt")).await.1, b"two");
    }).await;
}

#[tokio::test]
async fn what_a_source_does_not_find_fails_its_action_with_the_reason() {
    each_engine(machines(), |test| async move {
    let world = world(test).await;
    let deploy = || action("Put", "Deploy", "S3", json!({"BucketName": "site", "Extract": "true"}), (&["Src"], &[]));
    let first = world.create(code_commit(), deploy()).await;
    world.drive().await;
    assert_eq!(Execution::status(&world.state(&first).await), "Failed");
    let error = world.last_action(&first).await["output"]["executionResult"]["errorDetails"].clone();
    assert_eq!(error["code"], "ConfigurationError");
    assert!(error["message"].as_str().unwrap().contains("no repository named app was found"), "{error}");

    world.push("a", "a", None).await;
    world.drive().await;
    let revision = json!([{"actionName": "Src", "revisionType": "COMMIT_ID", "revisionValue": "0123456789012345678901234567890123456789"}]);
    let start = json!({"name": "demo", "sourceRevisions": revision});
    let id = codepipeline::start_pipeline_execution(&world.cx.cx, input(start)).await.unwrap().pipeline_execution_id;
    world.drive().await;
    let error = world.last_action(&id).await["output"]["executionResult"]["errorDetails"].clone();
    assert!(error["message"].as_str().unwrap().contains("does not exist in the CodeCommit repository app"), "{error}");
    }).await;
}

fn s3_source() -> Value {
    let configuration = json!({"S3Bucket": "src", "S3ObjectKey": "app.zip"});
    action("Src", "Source", "S3", configuration, (&[], &["Src"]))
}

async fn upload(world: &World, content: Vec<u8>) {
    s3::put_bytes(&world.cx.cx, "src", "app.zip", content.into(), Describe::default()).await.unwrap();
}

#[tokio::test]
async fn the_revision_of_an_object_is_described_by_its_metadata() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let summary = ("codepipeline-artifact-revision-summary".to_owned(), "release 7".to_owned());
        let describe = Describe { metadata: [summary].into(), ..Describe::default() };
        s3::put_bytes(&world.cx.cx, "src", "app.zip", b"PK".to_vec().into(), describe).await.unwrap();
        let put = json!({"BucketName": "site", "Extract": "false", "ObjectKey": "out"});
        let id = world.create(s3_source(), action("Put", "Deploy", "S3", put, (&["Src"], &[]))).await;
        world.drive().await;
        let state = world.state(&id).await;
        let revision = &state.source_revisions[0].revision;
        assert_eq!(revision.summary.as_deref(), Some("release 7"));
        let (found, _) = world.object("src", "app.zip").await;
        assert_eq!(revision.change_identifier(), Some(found.etag));
        assert_eq!(state.stages[0].actions[0].external.summary.as_deref(), Some("release 7"));
    })
    .await;
}

#[tokio::test]
async fn an_object_is_deployed_as_it_is_and_doing_it_twice_changes_nothing() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        upload(&world, b"not even a zip".to_vec()).await;
        let configuration = json!({"BucketName": "site", "Extract": "false", "ObjectKey": "out/app.bin"});
        let id = world.create(s3_source(), action("Put", "Deploy", "S3", configuration, (&["Src"], &[]))).await;
        // The server dies after it has done the work and before it could say so.
        let claimed = world.claim().await.remove(0);
        let ActionEffect::Run(run) = serde_json::from_value(claimed.effect.clone()).unwrap() else {
            panic!("a source")
        };
        let Work::S3Source { bucket, key, .. } = &run.work else { panic!("a source") };
        assert!(s3_source::source(&world.cx.cx, &run, bucket, key, None).await.is_ok());
        PipelinePerformer.perform(&world.cx, &claimed).await.unwrap();
        assert_eq!(world.keys("artifacts").await, 1);
        world.drive().await;
        assert_eq!(Execution::status(&world.state(&id).await), "Succeeded");
        assert_eq!(world.object("site", "out/app.bin").await.1, b"not even a zip");
    })
    .await;
}

#[tokio::test]
async fn a_zip_that_escapes_its_folder_fails_the_deployment_and_nothing_else() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for name in ["good.txt", "../evil.txt"] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(b"x").unwrap();
        }
        upload(&world, zip.finish().unwrap().into_inner()).await;
        let configuration = json!({"BucketName": "site", "Extract": "true"});
        let id = world.create(s3_source(), action("Put", "Deploy", "S3", configuration, (&["Src"], &[]))).await;
        world.drive().await;
        assert_eq!(Execution::status(&world.state(&id).await), "Failed");
        let error = world.last_action(&id).await["output"]["executionResult"]["errorDetails"]["message"].clone();
        assert!(error.as_str().unwrap().contains("'../evil.txt' is refused"), "{error}");
        assert_eq!(world.keys("site").await, 0);
        assert!(!world.cx.cx.site.data_dir.join("scratch").read_dir().unwrap().any(|_| true), "nothing is left behind");
    })
    .await;
}

#[tokio::test]
async fn what_only_a_build_can_clone_is_not_deployed() {
    for configuration in [
        json!({"BucketName": "site", "Extract": "true"}),
        json!({"BucketName": "site", "Extract": "false", "ObjectKey": "app.zip"}),
    ] {
        each_engine(machines(), |test| {
            let configuration = configuration.clone();
            async move {
                let world = world(test).await;
                world.push("index.html", "a page", None).await;
                let mut source = code_commit();
                source["configuration"]["OutputArtifactFormat"] = json!("CODEBUILD_CLONE_REF");
                let id = world.create(source, action("Put", "Deploy", "S3", configuration, (&["Src"], &[]))).await;
                world.drive().await;
                let error =
                    world.last_action(&id).await["output"]["executionResult"]["errorDetails"]["message"].clone();
                let expected = "The artifact 'Src' is a reference that only builds can use";
                assert!(error.as_str().unwrap_or_default().contains(expected), "{error}");
                assert_eq!(world.keys("site").await, 0);
            }
        })
        .await;
    }
}

async fn build_pipeline(world: &World) -> String {
    upload(world, b"zip".to_vec()).await;
    let configuration =
        json!({"ProjectName": "demo", "EnvironmentVariables": "[{\"name\":\"V\",\"value\":\"#{Src.ETag}\"}]"});
    world.create(s3_source(), action("Compile", "Build", "CodeBuild", configuration, (&["Src"], &["App"]))).await
}

#[tokio::test]
async fn a_build_knows_its_pipeline_and_is_stopped_with_its_execution() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let project = json!({
            "name": "demo", "source": {"type": "CODEPIPELINE"}, "artifacts": {"type": "CODEPIPELINE"},
            "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
            "serviceRole": "arn:aws:iam::123456789012:role/build",
        });
        codebuild::create_project(&world.cx.cx, input(project)).await.unwrap();
        let id = build_pipeline(&world).await;
        world.drive().await;
        let state = world.state(&id).await;
        let run = &state.stages[1].actions[0];
        let build_id = run.external.id.clone().unwrap();
        assert!(build_id.starts_with("demo:"), "{build_id}");
        let mut tx = world.cx.cx.store.read().await.unwrap();
        let build = machine::get::<Build>(&mut tx, &build_id).await.unwrap().unwrap().state;
        drop(tx);
        let parent = build.request.parent.clone().unwrap();
        assert_eq!(
            (parent.kind.as_str(), parent.id.as_str(), parent.key.as_str()),
            ("pipeline_execution", id.as_str(), run.key.as_str())
        );
        assert_eq!(build.request.initiator, "codepipeline/demo");
        assert!(build.request.variables.iter().any(|v| v.name == "V" && !v.value.contains('#')));

        let stop = json!({"pipelineName": "demo", "pipelineExecutionId": id, "abandon": true});
        codepipeline::stop_pipeline_execution(&world.cx.cx, input(stop)).await.unwrap();
        world.drive().await;
        let mut tx = world.cx.cx.store.read().await.unwrap();
        let build = machine::get::<Build>(&mut tx, &build_id).await.unwrap().unwrap().state;
        assert_eq!(Build::status(&build), "STOPPED");
        assert_eq!(world.state(&id).await.stages[1].actions[0].status.as_str(), "Abandoned");
    })
    .await;
}

#[tokio::test]
async fn an_action_of_another_region_is_done_and_stopped_there() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let mut there = world.cx.cx.clone();
        there.caller.scope.region = base::Region::parse("us-east-1").unwrap();
        s3::create_bucket::create_bucket(&there, input(json!({"Bucket": "artifacts-there"}))).await.unwrap();
        let project = json!({
            "name": "demo", "source": {"type": "CODEPIPELINE"}, "artifacts": {"type": "CODEPIPELINE"},
            "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
            "serviceRole": "arn:aws:iam::123456789012:role/build",
        });
        codebuild::create_project(&there, input(project)).await.unwrap();
        upload(&world, b"zip".to_vec()).await;
        let mut compile = action("Compile", "Build", "CodeBuild", json!({"ProjectName": "demo"}), (&["Src"], &["App"]));
        compile["region"] = json!("us-east-1");
        let store = |bucket: &str| json!({"type": "S3", "location": bucket});
        let pipeline = json!({
            "name": "demo", "roleArn": "arn:aws:iam::123456789012:role/p",
            "artifactStores": {"eu-central-1": store("artifacts"), "us-east-1": store("artifacts-there")},
            "stages": [{"name": "Source", "actions": [s3_source()]}, {"name": "Then", "actions": [compile]}],
        });
        codepipeline::create_pipeline(&world.cx.cx, input(json!({"pipeline": pipeline}))).await.unwrap();
        let id = world.executions().await.remove(0);
        world.drive().await;
        let run = world.state(&id).await.stages[1].actions[0].clone();
        let build_id = run.external.id.clone().unwrap_or_else(|| panic!("{run:?}"));
        let build = async || {
            let mut tx = world.cx.cx.store.read().await.unwrap();
            machine::get::<Build>(&mut tx, &build_id).await.unwrap().unwrap()
        };
        assert_eq!(build().await.scope.region.as_str(), "us-east-1");
        assert!(run.external.url.as_ref().unwrap().contains("us-east-1"), "{run:?}");
        let request = serde_json::to_value(&build().await.state.request).unwrap().to_string();
        assert!(request.contains("artifacts-there"), "its output goes to the region's store: {request}");

        let stop = json!({"pipelineName": "demo", "pipelineExecutionId": id, "abandon": true});
        codepipeline::stop_pipeline_execution(&world.cx.cx, input(stop)).await.unwrap();
        world.drive().await;
        assert_eq!(Build::status(&build().await.state), "STOPPED");
    })
    .await;
}

#[tokio::test]
async fn a_project_that_does_not_exist_fails_the_build_action() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let id = build_pipeline(&world).await;
        world.drive().await;
        assert_eq!(Execution::status(&world.state(&id).await), "Failed");
        let error = world.last_action(&id).await["output"]["executionResult"]["errorDetails"]["message"].clone();
        assert!(error.as_str().unwrap().starts_with("Error calling startBuild:"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_build_action_says_that_it_waits_for_room_on_the_disk() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.push("a.txt", "a", None).await;
        let build = action("Make", "Build", "CodeBuild", json!({"ProjectName": "p"}), (&["Src"], &[]));
        world.create(code_commit(), build).await;
        let disk = Arc::new(platform::Disk::new(world.test.dir.path(), u64::MAX, u64::MAX));
        let site = Arc::new(platform::Site { disk, ..platform::Site::clone(&world.cx.cx.site) });
        let full = DriverCx { cx: platform::Cx { site, ..world.cx.cx.clone() }, ..world.cx.clone() };
        let mut refused = 0;
        for _ in 0..4 {
            for claimed in world.claim().await {
                refused += usize::from(PipelinePerformer.perform(&full, &claimed).await.is_err());
            }
        }
        assert_eq!(refused, 1, "the build is not begun");
        let shown = codepipeline::get_pipeline_state(&full.cx, input(json!({"name": "demo"}))).await.unwrap();
        let shown = serde_json::to_value(&shown).unwrap();
        let action = &shown["stageStates"][1]["actionStates"][0]["latestExecution"];
        assert_eq!(action["status"], "InProgress");
        let summary = action["summary"].as_str().unwrap_or_default();
        assert!(
            summary.starts_with("The build waits for room.") && summary.contains("disk.min_free_bytes"),
            "{action}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_deployment_that_fails_is_rolled_back_to_what_was_there() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        upload(&world, b"one".to_vec()).await;
        let configuration = json!({"BucketName": "#{variables.site}", "Extract": "false", "ObjectKey": "app"});
        let put = action("Put", "Deploy", "S3", configuration, (&["Src"], &[]));
        let stage = json!({"actions": [put], "onFailure": {"result": "ROLLBACK"}});
        let first = world.create_v2(s3_source(), stage).await;
        world.drive().await;
        assert_eq!(Execution::status(&world.state(&first).await), "Succeeded");
        s3::put_bytes(&world.cx.cx, "site", "app", b"spoiled".to_vec().into(), Describe::default()).await.unwrap();
        world.test.clock.advance(Duration::from_secs(1));
        let start = json!({"name": "demo", "variables": [{"name": "site", "value": "nowhere"}]});
        let second = codepipeline::start_pipeline_execution(&world.cx.cx, input(start)).await.unwrap();
        world.drive().await;
        assert_eq!(Execution::status(&world.state(&second.pipeline_execution_id).await), "Failed");
        let mut backs = Vec::new();
        for id in world.executions().await {
            backs.push(world.state(&id).await);
        }
        backs.retain(|state| state.trigger.kind == "AutomatedRollback");
        assert_eq!(backs.len(), 1);
        assert_eq!(Execution::status(&backs[0]), "Succeeded", "{}", world.last_action(&backs[0].id).await);
        assert_eq!(world.object("site", "app").await.1, b"one");
    })
    .await;
}

fn condition(provider: &str, configuration: Value, inputs: &[&str]) -> Value {
    let id = json!({"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"});
    let inputs: Value = inputs.iter().map(|n| json!({"name": n})).collect();
    let rule = json!({"name": "Check", "ruleTypeId": id, "configuration": configuration, "inputArtifacts": inputs});
    json!({"conditions": [{"result": "FAIL", "rules": [rule]}]})
}

#[tokio::test]
async fn a_rule_that_builds_knows_its_pipeline_and_is_stopped_with_its_execution() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let project = json!({
            "name": "checks", "source": {"type": "CODEPIPELINE"}, "artifacts": {"type": "CODEPIPELINE"},
            "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
            "serviceRole": "arn:aws:iam::123456789012:role/build",
        });
        codebuild::create_project(&world.cx.cx, input(project)).await.unwrap();
        upload(&world, b"zip".to_vec()).await;
        let put = action("Put", "Deploy", "S3", json!({"BucketName": "site", "Extract": "true"}), (&["Src"], &[]));
        let before = condition("CodeBuild", json!({"ProjectName": "checks"}), &["Src"]);
        let id = world.create_v2(s3_source(), json!({"actions": [put], "beforeEntry": before})).await;
        world.drive().await;
        let state = world.state(&id).await;
        let rule = state.stages[1].rules().next().unwrap().clone();
        let build_id = rule.external.id.clone().unwrap();
        let build = async || {
            let mut tx = world.cx.cx.store.read().await.unwrap();
            machine::get::<Build>(&mut tx, &build_id).await.unwrap().unwrap().state
        };
        let parent = build().await.request.parent.clone().unwrap();
        assert_eq!((parent.id.as_str(), parent.key.as_str()), (id.as_str(), rule.key.as_str()));
        assert!(state.stages[1].actions.is_empty(), "nothing is deployed before the check");
        let stop = json!({"pipelineName": "demo", "pipelineExecutionId": id, "abandon": true});
        codepipeline::stop_pipeline_execution(&world.cx.cx, input(stop)).await.unwrap();
        world.drive().await;
        assert_eq!(Build::status(&build().await), "STOPPED");
        assert_eq!(world.state(&id).await.stages[1].rules().next().unwrap().status.as_str(), "Abandoned");
    })
    .await;
}

#[tokio::test]
async fn a_rule_of_a_service_that_is_not_here_fails_with_the_name_of_its_operation() {
    for (provider, configuration, operation) in [
        ("LambdaInvoke", json!({"FunctionName": "f"}), "lambda:Invoke"),
        ("CloudWatchAlarm", json!({"AlarmName": "a"}), "cloudwatch:DescribeAlarms"),
    ] {
        let world = world(store::testing::sqlite(machines()).await).await;
        upload(&world, b"one".to_vec()).await;
        let put = action(
            "Put",
            "Deploy",
            "S3",
            json!({"BucketName": "site", "Extract": "false", "ObjectKey": "app"}),
            (&["Src"], &[]),
        );
        let after = condition(provider, configuration, &[]);
        let id = world.create_v2(s3_source(), json!({"actions": [put], "onSuccess": after})).await;
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!(Execution::status(&state), "Failed");
        assert_eq!(state.stages[1].conditions[0].status.as_str(), "Errored");
        let engine::pipeline::RuleStatus::Failed(error) = &state.stages[1].rules().next().unwrap().status else {
            panic!("{state:?}")
        };
        assert!(error.message.contains(operation), "{error:?}");
    }
}
