//! Builds on a server whose disk is full.

use devtools::codebuild;
use engine::build::Stage;
use executor::{Behaviour, Executor as _};
use serde_json::json;
use store::testing::each_engine;

use super::BuildPerformer;
use super::tests::{GOOD, machines, world};
use crate::{DiskSweep, Performer as _, Sweep as _};

#[tokio::test]
async fn running_builds_are_ended_when_the_disk_is_full_and_say_so() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.executor.tell_all(Behaviour::Hang);
        let id = world.start(GOOD, json!({})).await;
        let running = world.spawn(world.claim().await.remove(0));
        world.until(&id, |state| state.current_phase() >= engine::build::Phase::Install).await;
        let sweep = DiskSweep::default();
        sweep.run(&world.cx).await.unwrap();
        assert!(!world.state(&id).await.is_stopping(), "there is room");
        let full = world.without_room();
        sweep.run(&full).await.unwrap();
        let version = world.version(&id).await;
        sweep.run(&full).await.unwrap();
        assert_eq!(world.version(&id).await, version, "it is told once");
        world.drive().await;
        running.await.unwrap().unwrap();
        world.drive().await;
        assert_eq!(world.state(&id).await.status_name(), "FAILED");
        let phases = world.phases(&id).await;
        assert!(phases.iter().any(|p| p.contains("CLIENT_ERROR: \"The disk of the server is full")), "{phases:?}");
    })
    .await;
}

#[tokio::test]
async fn a_build_is_not_begun_on_a_full_disk_and_its_phase_says_what_it_waits_for() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let nowhere = json!({ "source": { "type": "CODECOMMIT", "location": "http://x/v1/repos/none" } });
        let id = world.start("", nowhere).await;
        let full = world.without_room();
        assert!(BuildPerformer.perform(&full, &world.claim().await.remove(0)).await.is_err());
        let shown = |cx: platform::Cx| async move {
            let input = codebuild::batch_get_builds::Input { ids: vec![id] };
            let build = codebuild::batch_get_builds(&cx, input).await.unwrap().builds.remove(0);
            build["phases"].as_array().unwrap().last().unwrap().clone()
        };
        let phase = shown.clone()(full.cx.clone()).await;
        assert_eq!(
            (&phase["phaseType"], &phase["contexts"][0]["statusCode"]),
            (&json!("QUEUED"), &json!("WAITING_FOR_DISK"))
        );
        assert!(phase["contexts"][0]["message"].as_str().unwrap().contains("disk.min_free_bytes"), "{phase}");
        assert_eq!(shown(world.cx.cx.clone()).await.get("contexts"), None, "with room it waits for nothing");
    })
    .await;
}

#[tokio::test]
async fn a_build_that_brings_all_with_it_waits_for_room_too_and_then_runs() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = world.start(GOOD, json!({})).await;
        let (full, claimed) = (world.without_room(), world.claim().await.remove(0));
        assert!(BuildPerformer.perform(&full, &claimed).await.is_err());
        DiskSweep::default().run(&full).await.unwrap();
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), world.executor.starts(&state.request.uuid)), ("IN_PROGRESS", 0));
        assert!(!state.request.work_dir.exists());
        let input = codebuild::batch_get_builds::Input { ids: vec![id.clone()] };
        let build = codebuild::batch_get_builds(&full.cx, input).await.unwrap().builds.remove(0);
        let phase = build["phases"].as_array().unwrap().last().unwrap();
        assert_eq!(phase["contexts"][0]["statusCode"], "WAITING_FOR_DISK", "{phase}");
        BuildPerformer.perform(&world.cx, &claimed).await.unwrap();
        world.drive().await;
        assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED");
    })
    .await;
}

#[tokio::test]
async fn a_job_that_began_before_the_disk_was_full_is_followed_by_the_next_server() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = world.start(GOOD, json!({})).await;
        let claimed = world.claim().await.remove(0);
        let engine::build::BuildEffect::Run { job, .. } = serde_json::from_value(claimed.effect.clone()).unwrap()
        else {
            panic!("another effect")
        };
        std::fs::create_dir_all(&job.current_dir).unwrap();
        world.executor.start(&job).await.unwrap();
        BuildPerformer.perform(&world.without_room(), &claimed).await.unwrap();
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), world.executor.starts(&state.request.uuid)), ("SUCCEEDED", 1));
    })
    .await;
}

#[tokio::test]
async fn what_a_try_has_fetched_goes_before_the_next_one_asks_for_room() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let nowhere = json!({ "source": { "type": "CODECOMMIT", "location": "http://x/v1/repos/none" } });
        let id = world.start("", nowhere).await;
        let claimed = world.claim().await.remove(0);
        world.begin(&claimed).await;
        let work_dir = world.state(&id).await.request.work_dir;
        std::fs::create_dir_all(work_dir.join("src")).unwrap();
        assert!(BuildPerformer.perform(&world.without_room(), &claimed).await.is_err());
        assert!(!work_dir.exists());
        assert_eq!(world.state(&id).await.status_name(), "IN_PROGRESS");
    })
    .await;
}

#[tokio::test]
async fn a_build_that_fetches_its_sources_is_ended_when_the_disk_is_full() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let nowhere = json!({ "source": { "type": "CODECOMMIT", "location": "http://x/v1/repos/none" } });
        let id = world.start("", nowhere).await;
        let (full, sweep) = (world.without_room(), DiskSweep::default());
        sweep.run(&full).await.unwrap();
        assert_eq!(world.state(&id).await.status_name(), "IN_PROGRESS", "it has not begun, and waits");
        let claimed = world.claim().await.remove(0);
        world.begin(&claimed).await;
        let work_dir = world.state(&id).await.request.work_dir;
        std::fs::create_dir_all(work_dir.join("src")).unwrap();
        sweep.run(&full).await.unwrap();
        let phases = world.phases(&id).await;
        assert!(phases.iter().any(|p| p.starts_with("DOWNLOAD_SOURCE FAILED CLIENT_ERROR: \"The disk")), "{phases:?}");
        BuildPerformer.perform(&full, &claimed).await.unwrap();
        world.drive().await;
        assert!(!work_dir.exists());
    })
    .await;
}

#[tokio::test]
async fn artifacts_are_given_up_for_want_of_room_only_when_nothing_else_is_left() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let artifacts = json!({ "artifacts": { "type": "S3", "location": "made", "packaging": "ZIP" } });
        let text = "version: 0.2\nphases: {build: {commands: [x]}}\nartifacts: {files: '**/*'}\n";
        let id = world.start(text, artifacts).await;
        BuildPerformer.perform(&world.cx, &world.claim().await.remove(0)).await.unwrap();
        let (full, sweep) = (world.without_room(), DiskSweep::default());
        for _ in 0..4 {
            sweep.run(&full).await.unwrap();
            assert!(matches!(world.state(&id).await.stage, Stage::Uploading(_)));
        }
        sweep.run(&full).await.unwrap();
        let phases = world.phases(&id).await;
        assert!(phases.iter().any(|p| p.starts_with("UPLOAD_ARTIFACTS FAILED CLIENT_ERROR: \"The disk")), "{phases:?}");
        assert_eq!(world.state(&id).await.status_name(), "FAILED");
    })
    .await;
}
