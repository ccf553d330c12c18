//! Builds that end while their job is starting.

use std::sync::Arc;

use base::{CommandOrder, JobSpec};
use devtools::codebuild::{self, stop_build};
use engine::build::{BuildEffect, BuildInput};
use executor::{DummyExecutor, Executor, ExecutorError, JobEntry, Position, Progress, Reports, Started};
use futures_util::future::BoxFuture;
use serde_json::json;
use store::testing::each_engine;
use tokio::sync::Notify;

use super::tests::{World, machines, world};
use super::{BuildPerformer, answer};
use crate::{DriverCx, Performer as _};

/// An executor whose `list` waits until it may go on.
struct Slow {
    executor: DummyExecutor,
    came: Notify,
    goes: Notify,
}

impl Executor for Slow {
    fn name(&self) -> &'static str {
        self.executor.name()
    }

    fn describe(&self) -> String {
        self.executor.describe()
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        self.executor.prepare(spec, tell)
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        self.executor.start(spec)
    }

    fn follow(&self, id: &str, from: Position) -> Reports {
        self.executor.follow(id, from)
    }

    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.executor.order(id, order)
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.executor.cancel(id)
    }

    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.executor.destroy(id)
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        Box::pin(async {
            self.came.notify_one();
            self.goes.notified().await;
            self.executor.list().await
        })
    }
}

/// Begins a build whose job is long in starting, stops it meanwhile, and lets that be given up when `given_up`.
async fn stopped_while_starting(world: &World, given_up: bool) -> String {
    let input = json!({"Name": "/p", "Value": "v", "Type": "String"});
    platform::ssm::put_parameter(&world.cx.cx, serde_json::from_value(input).unwrap()).await.unwrap();
    let text = "version: 0.2\nenv: {parameter-store: {V: /p}}\nphases: {build: {commands: [x]}}\n";
    let id = world.start(text, json!({})).await;
    let run = world.claim().await.remove(0);
    let claimed = run.clone();
    let slow = Arc::new(Slow { executor: world.executor.clone(), came: Notify::new(), goes: Notify::new() });
    let cx = DriverCx::new(world.cx.cx.clone(), slow.clone());
    let running = tokio::spawn(async move { BuildPerformer.perform(&cx, &run).await });
    slow.came.notified().await;
    codebuild::stop_build(&world.cx.cx, stop_build::Input { id: id.clone() }).await.unwrap();
    if given_up {
        answer::tell(&world.cx.cx, &claimed, BuildInput::DeadlinePassed {}).await.unwrap();
    }
    world.drive().await;
    let work_dir = world.state(&id).await.request.work_dir;
    assert_eq!(work_dir.exists(), !given_up);
    // As restoring a cache does.
    std::fs::create_dir_all(work_dir.join("cache")).unwrap();
    slow.goes.notify_one();
    // It asks again whether there is a job to be ended or cleaned up after.
    slow.came.notified().await;
    slow.goes.notify_one();
    running.await.unwrap().unwrap();
    world.drive().await;
    assert!(!work_dir.exists());
    id
}

#[tokio::test]
async fn a_job_that_runs_since_before_a_crash_is_followed_though_its_image_cannot_be_had_any_more() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let environment = json!({
            "type": "LINUX_CONTAINER", "image": "registry.example/i:1", "computeType": "BUILD_GENERAL1_SMALL",
            "imagePullCredentialsType": "SERVICE_ROLE",
            "registryCredential": { "credential": "was-deleted", "credentialProvider": "SECRETS_MANAGER" },
        });
        let text = "version: 0.2\nphases: {build: {commands: [echo here]}}\n";
        let id = world.start(text, json!({ "environment": environment })).await;
        let run = world.claim().await.remove(0);
        let effect = serde_json::from_value(run.effect.clone()).unwrap();
        let BuildEffect::Run { job, .. } = effect else { panic!("{effect:?}") };
        // The server was killed right behind this.
        world.executor.start(&job).await.unwrap();
        BuildPerformer.perform(&world.cx, &run).await.unwrap();
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!(state.status_name(), "SUCCEEDED", "{:?}", world.phases(&id).await);
        assert_eq!(world.executor.starts(&state.request.uuid), 1);
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_build_was_given_up_while_it_was_starting_never_starts() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = stopped_while_starting(&world, true).await;
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), world.executor.starts(&state.request.uuid)), ("STOPPED", 0));
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_build_was_stopped_while_it_was_starting_never_starts() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = stopped_while_starting(&world, false).await;
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), world.executor.starts(&state.request.uuid)), ("STOPPED", 0));
    })
    .await;
}
