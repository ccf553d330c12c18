//! Builds that go on when the server starts again, and builds whose rows nobody can read.

use std::time::Duration;

use base::Machine as _;
use engine::build::Build;
use serde_json::json;
use store::outbox;
use store::testing::{each_engine, spoil};

use super::tests::{World, machines, world};
use super::{BuildPerformer, BuildResume};
use crate::{DiskSweep, Driver, First as _, Sweep as _};

const HANGS: &str = "version: 0.2\nphases: {build: {commands: [hang]}}\n";

/// In how many seconds the build's limit is over.
async fn left(world: &World, id: &str) -> u64 {
    let limit = world.state(id).await.facts.limit.unwrap();
    let mut tx = world.test.store.read().await.unwrap();
    assert_eq!(store::due(&mut tx).await.unwrap().timer, Some(limit));
    limit.since(world.cx.cx.now()).as_secs()
}

#[tokio::test]
async fn a_limit_is_longer_by_the_time_for_which_the_server_was_down_and_no_more() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let advance = |seconds| world.test.clock.advance(Duration::from_secs(seconds));
        let id = world.start(HANGS, json!({})).await;
        BuildResume.run(&world.cx, "test").await.unwrap();
        let claimed = world.claim().await.remove(0);
        world.begin(&claimed).await;
        let whole = left(&world, &id).await;
        // Nobody has ever left a sign of life: nothing is known, so nothing is added.
        advance(1);
        BuildResume.run(&world.cx, "test").await.unwrap();
        assert_eq!(left(&world, &id).await, whole - 1);
        for _ in 0..10 {
            advance(10);
            world.beat("test").await;
            BuildResume.run(&world.cx, "test").await.unwrap();
        }
        assert_eq!(left(&world, &id).await, whole - 101, "starting again and again gives no time");
        advance(5000);
        for _ in 0..3 {
            // It dies again before it has left a sign of life.
            BuildResume.run(&world.cx, "test").await.unwrap();
        }
        assert_eq!(left(&world, &id).await, whole - 101);
        assert_eq!(world.state(&id).await.facts.down_seconds, 5000);
    })
    .await;
}

#[tokio::test]
async fn a_build_that_another_server_works_at_is_left_alone_until_that_one_is_dead() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let advance = |seconds| world.test.clock.advance(Duration::from_secs(seconds));
        let id = world.start(HANGS, json!({})).await;
        let lease = Duration::from_secs(120);
        let claimed = outbox::claim(&world.test.store, "other", 10, lease).await.unwrap().remove(0);
        world.begin(&claimed).await;
        let whole = left(&world, &id).await;
        world.beat("mine").await;
        world.beat("other").await;
        advance(100);
        BuildResume.run(&world.cx, "mine").await.unwrap();
        assert_eq!(left(&world, &id).await, whole - 100);
        advance(100);
        world.beat("mine").await;
        BuildResume.run(&world.cx, "mine").await.unwrap();
        assert_eq!(left(&world, &id).await, whole, "its lease has run out, and it was last alive 200 s ago");
    })
    .await;
}

#[tokio::test]
async fn a_driver_leaves_signs_of_life_and_one_that_stops_says_when() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let down_for = async || {
            let mut tx = world.test.store.read().await.unwrap();
            store::owners::down_for(&mut tx, "test", Build::KIND, "none").await.unwrap().unwrap().as_secs()
        };
        let id = world.start("version: 0.2\nphases: {build: {commands: [x]}}\n", json!({})).await;
        let driver = Driver::new(world.cx.clone(), "test").first(BuildResume).with(BuildPerformer).start();
        while world.state(&id).await.completed().is_none() {
            tokio::task::yield_now().await;
        }
        world.test.clock.advance(Duration::from_secs(40));
        assert_eq!(down_for().await, 10, "it may have lived for 30 s");
        driver.stop().await;
        world.test.clock.advance(Duration::from_secs(5));
        assert_eq!(down_for().await, 5);
    })
    .await;
}

#[tokio::test]
async fn a_build_that_cannot_be_read_stops_nothing_but_itself() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let quick = "version: 0.2\nphases: {build: {commands: [x]}}\n";
        // The unreadable one comes first or last, as its id has it.
        let ids = [
            world.start(quick, json!({"name": "one"})).await,
            world.start(quick, json!({"name": "two"})).await,
            world.start(quick, json!({"name": "three"})).await,
        ];
        spoil(&world.test.store, Build::KIND, &ids[1]).await;
        let driver = Driver::new(world.cx.clone(), "test").first(BuildResume).with(BuildPerformer).start();
        for id in [&ids[0], &ids[2]] {
            while world.state(id).await.completed().is_none() {
                tokio::task::yield_now().await;
            }
        }
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_build_that_cannot_be_read_keeps_no_other_from_being_ended_on_a_full_disk() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let spoilt = world.start(HANGS, json!({"name": "one"})).await;
        let other = world.start(HANGS, json!({"name": "two"})).await;
        for claimed in world.claim().await.into_iter().filter(|claimed| claimed.machine_id == other) {
            world.begin(&claimed).await;
        }
        spoil(&world.test.store, Build::KIND, &spoilt).await;
        DiskSweep::default().run(&world.without_room()).await.unwrap();
        assert!(world.state(&other).await.is_stopping());
    })
    .await;
}
