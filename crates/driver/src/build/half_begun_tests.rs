//! Builds that are stopped when a server has died while it began their job.

use std::sync::Arc;

use base::{CommandOrder, JobSpec};
use devtools::codebuild::{self, stop_build};
use engine::build::BuildEffect;
use executor::{DummyExecutor, Executor, ExecutorError, JobEntry, JobState, Position, Progress, Reports, Started};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::json;
use store::testing::each_engine;
use tokio::sync::watch;

use super::BuildPerformer;
use super::tests::{machines, world};
use crate::{DriverCx, Performer as _};

/// An executor that was told of a job by a server that died: nobody runs it, and it is there until it is removed.
struct HalfBegun {
    executor: DummyExecutor,
    job: String,
    is_there: watch::Sender<bool>,
}

impl Executor for HalfBegun {
    fn name(&self) -> &'static str {
        "half begun"
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

    fn follow(&self, id: &str, _: Position) -> Reports {
        let (id, mut is_there) = (id.to_owned(), self.is_there.subscribe());
        let gone = async move {
            let _ = is_there.wait_for(|is_there| !is_there).await;
            Err(ExecutorError::UnknownJob(id))
        };
        stream::once(gone).boxed()
    }

    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.executor.order(id, order)
    }

    fn cancel<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        async { Ok(()) }.boxed()
    }

    fn destroy<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.is_there.send_replace(false);
        async { Ok(()) }.boxed()
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        let entry = self.is_there.borrow().then(|| JobEntry { id: self.job.clone(), state: JobState::Waiting });
        async { Ok(entry.into_iter().collect()) }.boxed()
    }
}

#[tokio::test]
async fn a_stopped_build_does_not_wait_for_a_job_that_nobody_runs() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = world.start("version: 0.2\nphases: {build: {commands: [x]}}\n", json!({})).await;
        let run = world.claim().await.remove(0);
        let BuildEffect::Run { job, .. } = serde_json::from_value(run.effect.clone()).unwrap() else {
            panic!("{:?}", run.effect)
        };
        codebuild::stop_build(&world.cx.cx, stop_build::Input { id: id.clone() }).await.unwrap();
        let is_there = watch::Sender::new(true);
        let executor = HalfBegun { executor: world.executor.clone(), job: job.id, is_there };
        let cx = DriverCx::new(world.cx.cx.clone(), Arc::new(executor));
        BuildPerformer.perform(&cx, &run).await.unwrap();
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), world.executor.starts(&state.request.uuid)), ("STOPPED", 0));
    })
    .await;
}
