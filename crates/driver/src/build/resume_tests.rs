//! Builds whose rows nobody can read.

use base::Machine as _;
use engine::build::Build;
use serde_json::json;
use store::testing::{each_engine, spoil};

use super::tests::{machines, world};
use super::{BuildPerformer, BuildResume};
use crate::{DiskSweep, Driver, Sweep as _};

const HANGS: &str = "version: 0.2\nphases: {build: {commands: [hang]}}\n";

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
