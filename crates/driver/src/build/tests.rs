//! Builds from StartBuild to the end, with an executor that does what it is told and no loop around it.

use crate::{DriverCx, PerformError, Performer as _};
use std::sync::Arc;
use std::time::Duration;
use store::outbox::Claimed;

use devtools::codebuild::{self, create_project, start_build, stop_build};
use engine::build::{Build, BuildInput, BuildState, Logs, Stage};
use executor::{Behaviour, DummyExecutor, Executor};
use platform::{Cx, Disk, Site, s3};
use serde_json::{Value, json};
use store::tables::{logs_event, logs_group, logs_stream};
use store::testing::{TestStore, each_engine};
use store::{Machines, machine, outbox, replay};

use super::*;

pub(super) struct World {
    pub cx: DriverCx,
    pub executor: DummyExecutor,
    pub test: TestStore,
}

pub(super) fn machines() -> Machines {
    Machines::new().with::<Build>()
}

pub(super) fn world(test: TestStore) -> World {
    let cx = platform::testing::cx(&test);
    let executor = DummyExecutor::new(test.clock.clone());
    World { cx: DriverCx::new(cx, Arc::new(executor.clone())), executor, test }
}

impl World {
    /// Makes a project without source (unless `change` says otherwise) and starts a build; gives its id.
    pub async fn start(&self, buildspec: &str, change: Value) -> String {
        let mut project = json!({
            "name": "demo",
            "source": { "type": "NO_SOURCE", "buildspec": buildspec },
            "artifacts": { "type": "NO_ARTIFACTS" },
            "environment": { "type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL" },
            "serviceRole": "arn:aws:iam::123456789012:role/build",
        });
        for (member, value) in change.as_object().unwrap() {
            project[member] = value.clone();
        }
        codebuild::create_project(&self.cx.cx, serde_json::from_value::<create_project::Input>(project).unwrap())
            .await
            .unwrap();
        let project_name = change["name"].as_str().unwrap_or("demo").to_owned();
        let input = start_build::Input { project_name, ..start_build::Input::default() };
        let started = codebuild::start_build(&self.cx.cx, input).await.unwrap();
        started.build["id"].as_str().unwrap().to_owned()
    }

    pub async fn bucket(&self, name: &str) {
        let place = json!({ "LocationConstraint": self.cx.cx.scope().region.as_str() });
        let input = json!({ "Bucket": name, "CreateBucketConfiguration": place });
        s3::create_bucket::create_bucket(&self.cx.cx, serde_json::from_value(input).unwrap()).await.unwrap();
    }

    /// The same server on a full disk.
    pub fn without_room(&self) -> DriverCx {
        let disk = Arc::new(Disk::new(self.test.dir.path(), u64::MAX, u64::MAX));
        let site = Arc::new(Site { disk, ..Site::clone(&self.cx.cx.site) });
        DriverCx { cx: Cx { site, ..self.cx.cx.clone() }, ..self.cx.clone() }
    }

    pub async fn version(&self, id: &str) -> i64 {
        let mut tx = self.test.store.read().await.unwrap();
        machine::get::<Build>(&mut tx, id).await.unwrap().unwrap().version
    }

    /// Somebody begins to work at the build.
    pub async fn begin(&self, claimed: &Claimed) {
        let began = BuildInput::Began { key: claimed.key.clone(), at: self.cx.cx.now() };
        answer::tell(&self.cx.cx, claimed, began).await.unwrap();
    }

    pub async fn claim(&self) -> Vec<Claimed> {
        outbox::claim(&self.cx.cx.store, "test", 10, Duration::from_secs(60)).await.unwrap()
    }

    /// The last sign of life of a server.
    pub async fn beat(&self, owner: &'static str) {
        let beat = self.cx.cx.store.write(move |tx| {
            Box::pin(async move {
                let now = tx.now();
                store::owners::beat(tx, owner, now).await
            })
        });
        beat.await.unwrap();
    }

    /// Performs whatever there is until nothing is left.
    pub async fn drive(&self) {
        loop {
            let claimed = self.claim().await;
            if claimed.is_empty() {
                return;
            }
            for claimed in claimed {
                BuildPerformer.perform(&self.cx, &claimed).await.unwrap();
            }
        }
    }

    /// Performs one effect in a task of its own.
    pub fn spawn(&self, claimed: Claimed) -> tokio::task::JoinHandle<Result<(), PerformError>> {
        let cx = self.cx.clone();
        tokio::spawn(async move { BuildPerformer.perform(&cx, &claimed).await })
    }

    pub async fn state(&self, id: &str) -> BuildState {
        let mut tx = self.test.store.read().await.unwrap();
        machine::get::<Build>(&mut tx, id).await.unwrap().unwrap().state
    }

    /// Waits until the build's phases are as `ready` wants them.
    pub async fn until(&self, id: &str, ready: impl Fn(&BuildState) -> bool) {
        while !ready(&self.state(id).await) {
            tokio::task::yield_now().await;
        }
    }

    pub async fn log(&self, id: &str) -> Vec<String> {
        let state = self.state(id).await;
        let Logs::CloudWatch { group, stream } = &state.request.logs else { panic!("no logs") };
        let mut tx = self.test.store.read().await.unwrap();
        let Some((group, _)) = logs_group::find(&mut tx, &state.request.scope, group).await.unwrap() else {
            return Vec::new();
        };
        let stream = logs_stream::get(&mut tx, group, stream).await.unwrap().unwrap();
        let place = logs_event::Place::Stream(stream.id);
        let limit = logs_event::Limit { rows: 1000, bytes: 1 << 20 };
        let listed = logs_event::list(&mut tx, place, logs_event::Range::ALL, logs_event::End::Oldest, limit).await;
        listed.unwrap().rows.into_iter().map(|row| row.message).collect()
    }

    /// The story that the phases tell: name, status and context of each.
    pub async fn phases(&self, id: &str) -> Vec<String> {
        let build =
            codebuild::batch_get_builds(&self.cx.cx, codebuild::batch_get_builds::Input { ids: vec![id.to_owned()] });
        let build = build.await.unwrap().builds.remove(0);
        let phases = build["phases"].as_array().unwrap().iter().map(|phase| {
            let text = |member: &str| phase[member].as_str().unwrap_or("").to_owned();
            let context = &phase["contexts"][0];
            let why = context["statusCode"].as_str().map(|code| format!(" {code}: {}", context["message"]));
            format!("{} {}{}", text("phaseType"), text("phaseStatus"), why.unwrap_or_default())
        });
        phases.collect()
    }
}

pub(super) const GOOD: &str = "version: 0.2\nenv: {exported-variables: [V]}\nphases:\n  build:\n    commands:\n      - echo hello\n      - export V=1\n";

#[tokio::test]
async fn a_build_runs_logs_exports_and_leaves_nothing_behind() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = world.start(GOOD, json!({})).await;
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!(state.status_name(), "SUCCEEDED", "{:?}", world.phases(&id).await);
        assert_eq!(state.facts.exported_variables.get("V").map(String::as_str), Some("1"));
        let log = world.log(&id).await;
        assert_eq!(log.iter().filter(|line| line.as_str() == "hello\n").count(), 1, "{log:?}");
        assert!(log.iter().any(|line| line.contains("The build has no AWS credentials")), "the role does not exist");
        assert!(!state.request.work_dir.exists());
        assert!(world.executor.list().await.unwrap().is_empty());
        assert_eq!(world.executor.starts(&state.request.uuid), 1);
        let mut tx = world.test.store.read().await.unwrap();
        assert_eq!(
            replay::<Build>(&mut tx, &id).await.unwrap().unwrap(),
            state,
            "the input log gives the stored state"
        );
    })
    .await;
}

#[tokio::test]
async fn a_failed_command_fails_its_phase_and_the_build_in_the_words_of_aws() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let text = "version: 0.2\nphases: {build: {commands: [\"false\"]}, post_build: {commands: [echo after]}}\n";
        let id = world.start(text, json!({})).await;
        world.drive().await;
        assert_eq!(world.state(&id).await.status_name(), "FAILED");
        let phases = world.phases(&id).await;
        let why = "\"Error while executing command: false. Reason: exit status 1\"";
        assert!(phases.contains(&format!("BUILD FAILED COMMAND_EXECUTION_ERROR: {why}")), "{phases:?}");
        assert!(phases.contains(&"POST_BUILD SUCCEEDED".to_owned()));
        assert!(world.log(&id).await.contains(&"after\n".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_stopped_build_is_over_when_its_job_is() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.executor.tell_all(Behaviour::Hang);
        let id = world.start(GOOD, json!({})).await;
        let running = world.spawn(world.claim().await.remove(0));
        world.until(&id, |state| state.current_phase() >= engine::build::Phase::Install).await;
        let stopped = codebuild::stop_build(&world.cx.cx, stop_build::Input { id: id.clone() }).await.unwrap().build;
        assert_eq!(stopped["buildStatus"], "IN_PROGRESS");
        world.drive().await;
        running.await.unwrap().unwrap();
        world.drive().await;
        assert_eq!(world.state(&id).await.status_name(), "STOPPED", "{:?}", world.phases(&id).await);
    })
    .await;
}

#[tokio::test]
async fn a_build_that_was_stopped_before_it_began_never_runs() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = world.start(GOOD, json!({})).await;
        codebuild::stop_build(&world.cx.cx, stop_build::Input { id: id.clone() }).await.unwrap();
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), world.executor.starts(&state.request.uuid)), ("STOPPED", 0));
    })
    .await;
}

#[tokio::test]
async fn a_killed_server_reattaches_and_neither_loses_nor_doubles_a_line() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let text = "version: 0.2\nphases: {build: {commands: [echo one, hang]}}\n";
        let id = world.start(text, json!({})).await;
        for _ in 0..3 {
            let running = world.spawn(world.claim().await.remove(0));
            world.until(&id, |state| state.current_phase() == engine::build::Phase::Build).await;
            while !world.log(&id).await.iter().any(|line| line == "one\n") {
                tokio::task::yield_now().await;
            }
            running.abort();
            let _ = running.await;
            // What a server does when it starts.
            world.test.store.write(|tx| Box::pin(async move { outbox::release(tx, "test").await })).await.unwrap();
        }
        codebuild::stop_build(&world.cx.cx, stop_build::Input { id: id.clone() }).await.unwrap();
        let mut claimed = world.claim().await;
        // The cancel comes first or last, as it likes.
        claimed.reverse();
        let tasks: Vec<_> = claimed.into_iter().map(|claimed| world.spawn(claimed)).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), world.executor.starts(&state.request.uuid)), ("STOPPED", 1));
        let log = world.log(&id).await;
        assert_eq!(log.iter().filter(|line| line.as_str() == "one\n").count(), 1, "{log:?}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_the_jobs_that_it_follows() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let text = "version: 0.2\nphases: {build: {commands: [echo one, hang]}}\n";
        let id = world.start(text, json!({})).await;
        let driver = crate::Driver::new(world.cx.clone(), "test").with(BuildPerformer).start();
        while !world.log(&id).await.iter().any(|line| line == "one\n") {
            tokio::task::yield_now().await;
        }
        let begun = tokio::time::Instant::now();
        driver.stop().await;
        // What is waited for has three seconds.
        assert!(begun.elapsed() < Duration::from_millis(2800), "it took {:?}", begun.elapsed());
        // The next start takes the job up where this one has left it.
        let running = world.spawn(world.claim().await.remove(0));
        codebuild::stop_build(&world.cx.cx, stop_build::Input { id: id.clone() }).await.unwrap();
        world.drive().await;
        running.await.unwrap().unwrap();
        assert_eq!(world.executor.starts(&world.state(&id).await.request.uuid), 1);
        let log = world.log(&id).await;
        assert_eq!(log.iter().filter(|line| line.as_str() == "one\n").count(), 1, "{log:?}");
    })
    .await;
}

#[tokio::test]
async fn artifacts_are_stored_however_long_the_server_was_down_meanwhile() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.bucket("made").await;
        let artifacts = json!({ "artifacts": { "type": "S3", "location": "made", "packaging": "ZIP" } });
        let text = "version: 0.2\nphases: {build: {commands: [x]}}\nartifacts: {files: '**/*'}\n";
        let id = world.start(text, artifacts).await;
        let run = world.claim().await.remove(0);
        let work_dir = world.state(&id).await.request.work_dir;
        BuildPerformer.perform(&world.cx, &run).await.unwrap();
        std::fs::write(work_dir.join("src/made"), "x").unwrap();
        assert!(matches!(world.state(&id).await.stage, Stage::Uploading(_)));
        world.beat("test").await;
        world.test.clock.advance(Duration::from_secs(100 * 3600));
        let driver = crate::Driver::new(world.cx.clone(), "test").first(BuildResume).with(BuildPerformer).start();
        while world.state(&id).await.completed().is_none() {
            tokio::task::yield_now().await;
        }
        driver.stop().await;
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), state.facts.artifacts.len()), ("SUCCEEDED", 1), "{:?}", state.phases);
    })
    .await;
}

#[tokio::test]
async fn an_executor_that_cannot_is_a_failed_provisioning_with_its_reason() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.executor.tell_all(Behaviour::NotStarted("user namespaces are off".to_owned()));
        let id = world.start(GOOD, json!({})).await;
        world.drive().await;
        let phases = world.phases(&id).await;
        assert!(
            phases.iter().any(|p| p.starts_with("PROVISIONING FAILED") && p.contains("namespaces are off")),
            "{phases:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_lost_job_is_a_fault_and_is_not_run_again() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.executor.tell_all(Behaviour::Lost("the machine restarted".to_owned()));
        let id = world.start(GOOD, json!({})).await;
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!((state.status_name(), world.executor.starts(&state.request.uuid)), ("FAULT", 1));
    })
    .await;
}

#[tokio::test]
async fn a_bad_buildspec_is_told_in_the_phase_and_in_the_log() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = world.start("version: 0.2\nphases: {builds: {commands: [x]}}\n", json!({})).await;
        world.drive().await;
        let wanted = "buildspec.yml:2:10: error[B012]: phase 'builds' is not known; did you mean 'build'?";
        let phases = world.phases(&id).await;
        assert!(phases.iter().any(|p| p.starts_with("DOWNLOAD_SOURCE FAILED YAML_FILE_ERROR") && p.contains("B012")));
        assert!(world.log(&id).await.iter().any(|line| line.contains(wanted)));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_fetched_fails_its_phase() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let nowhere = json!({ "source": { "type": "CODECOMMIT", "location": "http://x/v1/repos/none" } });
        let id = world.start("", nowhere).await;
        world.drive().await;
        let phases = world.phases(&id).await;
        assert!(
            phases
                .iter()
                .any(|p| p.starts_with("DOWNLOAD_SOURCE FAILED CLIENT_ERROR") && p.contains("repository none"))
        );
        assert!(!world.state(&id).await.request.work_dir.exists());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_stored_fails_its_phase() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let no_bucket = json!({ "artifacts": { "type": "S3", "location": "nowhere", "packaging": "ZIP" } });
        let text = "version: 0.2\nphases: {build: {commands: [x]}}\nartifacts: {files: '**/*'}\n";
        let id = world.start(text, no_bucket).await;
        let run = world.claim().await.remove(0);
        let work_dir = world.state(&id).await.request.work_dir;
        BuildPerformer.perform(&world.cx, &run).await.unwrap();
        std::fs::write(work_dir.join("src/made"), "x").unwrap();
        world.drive().await;
        let phases = world.phases(&id).await;
        assert!(
            phases.iter().any(|p| p.starts_with("UPLOAD_ARTIFACTS FAILED CLIENT_ERROR") && p.contains("NoSuchBucket")),
            "{phases:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_build_put_in_the_way_of_its_artifacts_is_neither_followed_nor_written() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.bucket("made").await;
        let artifacts = json!({ "artifacts": { "type": "S3", "location": "made", "packaging": "ZIP" } });
        let text = "version: 0.2\nphases: {build: {commands: [x]}}\nartifacts: {files: '**/*'}\n";
        let id = world.start(text, artifacts).await;
        let run = world.claim().await.remove(0);
        let work_dir = world.state(&id).await.request.work_dir;
        BuildPerformer.perform(&world.cx, &run).await.unwrap();
        let precious = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(precious.path(), "precious").unwrap();
        std::fs::write(work_dir.join("src/made"), "x").unwrap();
        std::os::unix::fs::symlink(precious.path(), work_dir.join("artifact-primary.zip")).unwrap();
        world.drive().await;
        assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED", "{:?}", world.phases(&id).await);
        assert_eq!(std::fs::read(precious.path()).unwrap(), b"precious");
    })
    .await;
}

fn provisioning() -> Behaviour {
    let progress = vec!["Pulling image i: 1 of 2 layers".to_owned()];
    Behaviour::Provision { progress, notes: vec!["The build runs in a container of i".to_owned()] }
}

#[tokio::test]
async fn the_log_says_what_the_environment_took_and_is_before_the_first_command() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.executor.tell_all(provisioning());
        let id = world.start(GOOD, json!({})).await;
        world.drive().await;
        assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED", "{:?}", world.phases(&id).await);
        let log = world.log(&id).await;
        let place = |text: &str| log.iter().position(|line| line.contains(text)).unwrap();
        assert!(place("Pulling image i: 1 of 2 layers") < place("The build runs in a container of i"), "{log:?}");
        assert!(place("The build runs in a container of i") < place("hello"), "{log:?}");
    })
    .await;
}

#[tokio::test]
async fn the_phase_says_what_the_environment_is_when_it_was_made_for_the_sources() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.executor.tell_all(provisioning());
        world.bucket("sources").await;
        let source = json!({ "source": { "type": "S3", "location": "sources/app/", "buildspec": GOOD } });
        let id = world.start(GOOD, source).await;
        world.drive().await;
        let phases = world.phases(&id).await;
        assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED", "{phases:?}");
        assert!(
            phases.contains(&"PROVISIONING SUCCEEDED : \"The build runs in a container of i\"".to_owned()),
            "{phases:?}"
        );
        let log = world.log(&id).await;
        let told = log.iter().filter(|line| line.contains("The build runs in a container of i")).count();
        assert_eq!(told, 1, "once, although it was asked for twice: {log:?}");
    })
    .await;
}

#[tokio::test]
async fn an_environment_that_cannot_be_had_ends_a_build_without_sources_too() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.executor.tell_all(Behaviour::FailToPrepare("no such image".to_owned()));
        let id = world.start(GOOD, json!({})).await;
        world.drive().await;
        let phases = world.phases(&id).await;
        let why = "PROVISIONING FAILED CLIENT_ERROR: \"Unable to start the build environment: no such image\"";
        assert!(phases.contains(&why.to_owned()), "{phases:?}");
        assert_eq!(world.executor.starts(&world.state(&id).await.request.uuid), 0);
    })
    .await;
}
