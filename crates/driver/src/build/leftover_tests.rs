//! What is left of builds.

use std::fs;

use base::Machine as _;
use devtools::codebuild::{self, stop_build};
use engine::build::{Build, BuildEffect, BuildInput};
use executor::{Behaviour, Executor as _};
use serde_json::json;
use store::testing::each_engine;
use store::{machine, outbox};

use super::answer;
use super::tests::{GOOD, World, machines, world};
use crate::{LeftoverSweep, Sweep as _};

async fn sweep(world: &World) {
    LeftoverSweep::default().run(&world.cx).await.unwrap();
}

/// A build that is over, and whose job and folder are there all the same.
async fn come_back(world: &World) -> String {
    let id = world.start(GOOD, json!({})).await;
    let run = world.claim().await.remove(0);
    let BuildEffect::Run { job, .. } = serde_json::from_value(run.effect.clone()).unwrap() else { panic!("{run:?}") };
    world
        .cx
        .cx
        .store
        .write(move |tx| {
            let run = run.clone();
            Box::pin(async move { outbox::retry_later(tx, &run, std::time::Duration::ZERO).await })
        })
        .await
        .unwrap();
    world.drive().await;
    let state = world.state(&id).await;
    assert!(state.completed().is_some() && !state.request.work_dir.exists());
    world.executor.start(&job).await.unwrap();
    fs::create_dir_all(state.request.work_dir.join("src")).unwrap();
    id
}

#[tokio::test]
async fn what_comes_back_of_a_build_that_is_over_is_removed() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = come_back(&world).await;
        sweep(&world).await;
        assert!(!world.state(&id).await.request.work_dir.exists());
        assert!(world.executor.list().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_still_needed_stays() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.executor.tell_all(Behaviour::Hang);
        let runs = world.start(GOOD, json!({})).await;
        let running = world.spawn(world.claim().await.remove(0));
        world.until(&runs, |state| state.current_phase() >= engine::build::Phase::Install).await;
        world.executor.tell_all(Behaviour::Obey);
        let ends = world.start(GOOD, json!({ "name": "other" })).await;
        let claimed = world.claim().await.remove(0);
        world.spawn(claimed).await.unwrap().unwrap();
        assert!(world.state(&ends).await.completed().is_some(), "its end is still to be cleaned up after");
        sweep(&world).await;
        for id in [&runs, &ends] {
            assert!(world.state(id).await.request.work_dir.exists());
        }
        assert_eq!(world.executor.list().await.unwrap().len(), 2);
        running.abort();
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_no_build_that_is_known_stays() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = come_back(&world).await;
        let work_dir = world.state(&id).await.request.work_dir;
        let (store, gone) = (&world.cx.cx.store, id.clone());
        store
            .write(move |tx| {
                let id = gone.clone();
                Box::pin(async move { machine::remove(tx, Build::KIND, &id).await })
            })
            .await
            .unwrap();
        // Long ago, and looked at again: that makes nobody's work ours.
        fs::File::open(&work_dir).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        let leftovers = LeftoverSweep::default();
        for _ in 0..2 {
            leftovers.run(&world.cx).await.unwrap();
        }
        assert!(work_dir.exists() && world.executor.list().await.unwrap().len() == 1);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_was_begun_for_a_build_that_was_over_goes_with_its_effect() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = world.start(GOOD, json!({})).await;
        let run = world.claim().await.remove(0);
        let BuildEffect::Run { job, .. } = serde_json::from_value(run.effect.clone()).unwrap() else {
            panic!("{run:?}")
        };
        codebuild::stop_build(&world.cx.cx, stop_build::Input { id: id.clone() }).await.unwrap();
        answer::tell(&world.cx.cx, &run, BuildInput::DeadlinePassed {}).await.unwrap();
        world.drive().await;
        // A server that was killed right behind this told nobody.
        fs::create_dir_all(&job.current_dir).unwrap();
        world.executor.start(&job).await.unwrap();
        world.spawn(run).await.unwrap().unwrap();
        assert!(!world.state(&id).await.request.work_dir.exists());
        assert!(world.executor.list().await.unwrap().is_empty());
    })
    .await;
}
