//! Reports and caches of builds whose job is a dummy: what the job would have left is put there by hand.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use devtools::codebuild;
use engine::build::Stage;
use platform::s3;
use serde_json::{Value, json};
use store::testing::each_engine;

use super::BuildPerformer;
use super::tests::{World, machines, world};
use crate::Performer as _;

const REPORTS: &str =
    "version: 0.2\nphases:\n  build:\n    commands: [make]\nreports:\n  unit:\n    files: ['out/*.xml']\n";
const GOOD: &str = "<testsuite><testcase name='a' time='1'/><testcase name='b'><failure/></testcase></testsuite>";

/// Performs the one effect that there is.
async fn one(world: &World) {
    let claimed = world.claim().await.remove(0);
    BuildPerformer.perform(&world.cx, &claimed).await.unwrap();
}

/// Starts another build of the project.
async fn again(world: &World) -> String {
    let input = serde_json::from_value(json!({ "projectName": "demo" })).unwrap();
    let started = codebuild::start_build(&world.cx.cx, input).await.unwrap();
    started.build["id"].as_str().unwrap().to_owned()
}

/// Runs the build's job, lets `leave` do its work, and performs the rest.
async fn build(world: &World, buildspec: &str, change: Value, leave: impl FnOnce(PathBuf)) -> String {
    let id = world.start(buildspec, change).await;
    one(world).await;
    let state = world.state(&id).await;
    assert!(matches!(state.stage, Stage::Uploading(_)), "{:?}", state.stage);
    leave(state.request.work_dir.clone());
    world.drive().await;
    id
}

fn write(path: PathBuf, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

async fn shown(world: &World, id: &str) -> Value {
    let arns = world.state(id).await.facts.reports;
    let input = serde_json::from_value(json!({ "reportArns": arns })).unwrap();
    codebuild::batch_get_reports(&world.cx.cx, input).await.unwrap().reports.remove(0)
}

#[tokio::test]
async fn a_builds_reports_are_read_and_a_failed_test_fails_no_build() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = build(&world, REPORTS, json!({}), |dir| write(dir.join("src/out/a.xml"), GOOD)).await;
        let report = shown(&world, &id).await;
        assert_eq!((&report["status"], &report["testSummary"]["total"]), (&json!("FAILED"), &json!(2)));
        assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED");
        let log = world.log(&id).await.join("");
        assert!(log.contains("Preparing to copy TEST report arn:") && log.contains("Found 1 file(s)"), "{log}");
    })
    .await;
}

#[tokio::test]
async fn a_report_file_counts_once_whatever_links_lead_to_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let spec = REPORTS.replace("out/*.xml", "**/*.xml");
        let id = build(&world, &spec, json!({}), |dir| {
            write(dir.join("src/out/a.xml"), GOOD);
            symlink("out", dir.join("src/again")).unwrap();
            symlink("a.xml", dir.join("src/out/latest.xml")).unwrap();
            symlink("/nowhere.xml", dir.join("src/gone.xml")).unwrap();
        })
        .await;
        assert_eq!(shown(&world, &id).await["testSummary"]["total"], 2);
        let log = world.log(&id).await.join("");
        assert!(log.contains("Skipping invalid file path gone.xml: it is a link to /nowhere.xml"), "{log}");
    })
    .await;
}

#[tokio::test]
async fn a_report_that_cannot_be_read_is_incomplete_and_says_why() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let broken = |dir: PathBuf| write(dir.join("src/out/a.xml"), "<testsuite>\n<testcase>");
        let id = build(&world, REPORTS, json!({}), broken).await;
        assert_eq!(shown(&world, &id).await["status"], "INCOMPLETE");
        assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED");
        let log = world.log(&id).await.join("");
        assert!(log.contains("out/a.xml:2:11: error[R001]: the file ends before </testcase>"), "{log}");
    })
    .await;
}

#[tokio::test]
async fn report_files_that_are_not_there_fail_the_build_as_they_do_on_aws() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = build(&world, REPORTS, json!({}), |_| ()).await;
        assert_eq!(shown(&world, &id).await["status"], "INCOMPLETE");
        let phases = world.phases(&id).await.join("\n");
        let why = "Error in UPLOAD_ARTIFACTS phase: [unit: [report files not found in build]]";
        assert!(phases.contains(why), "{phases}");
    })
    .await;
}

#[tokio::test]
async fn reports_that_no_section_names_are_found_when_a_variable_asks_for_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let spec = "version: 0.2\nenv: {variables: {CODEBUILD_CONFIG_AUTO_DISCOVER: 'true'}}\nphases:\n  build:\n    commands: [make]\nreports:\n  unit:\n    files: ['out/*.xml']\n";
        let id = build(&world, spec, json!({}), |dir| {
            write(dir.join("src/out/a.xml"), GOOD);
            write(dir.join("src/other/[b].xml"), GOOD);
            write(dir.join("src/node_modules/x/c.xml"), GOOD);
            write(dir.join("src/pom.xml"), "<project/>");
        })
        .await;
        let arns = world.state(&id).await.facts.reports;
        let input = serde_json::from_value(json!({ "reportArns": arns })).unwrap();
        let reports = codebuild::batch_get_reports(&world.cx.cx, input).await.unwrap().reports;
        let told: Vec<_> = reports.iter().map(|r| (r["name"].clone(), r["testSummary"]["total"].clone())).collect();
        let expected = [(json!("demo-unit"), json!(2)), (json!("demo-JUNITXML-AutoDiscovered"), json!(2))];
        assert_eq!(told, expected);
    })
    .await;
}

#[tokio::test]
async fn a_build_that_is_stopped_while_its_reports_are_read_leaves_none_that_is_for_ever_made() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = world.start(REPORTS, json!({})).await;
        one(&world).await;
        let upload = world.claim().await.remove(0);
        let input = codebuild::stop_build::Input { id: id.clone() };
        codebuild::stop_build(&world.cx.cx, input).await.unwrap();
        BuildPerformer.perform(&world.cx, &upload).await.unwrap();
        let listed = codebuild::list_reports(&world.cx.cx, serde_json::from_value(json!({})).unwrap()).await.unwrap();
        let input = serde_json::from_value(json!({ "reportArns": listed.reports })).unwrap();
        let reports = codebuild::batch_get_reports(&world.cx.cx, input).await.unwrap().reports;
        assert_eq!(reports[0]["status"], "INCOMPLETE");
        assert_eq!(world.state(&id).await.status_name(), "STOPPED");
    })
    .await;
}

const CACHED: &str = "version: 0.2\nphases:\n  build:\n    commands: [make]\ncache:\n  paths: ['deps/**/*']\n  key: k-$CODEBUILD_BUILD_NUMBER\n  fallback-keys: ['k-']\n";

fn s3_cache() -> Value {
    json!({ "cache": { "type": "S3", "location": "bucket/caches" } })
}

#[tokio::test]
async fn a_cache_is_kept_under_its_key_and_the_next_build_falls_back_to_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.bucket("bucket").await;
        let id = build(&world, CACHED, s3_cache(), |dir| write(dir.join("src/deps/a/b"), "1")).await;
        let log = world.log(&id).await.join("");
        assert!(log.contains("There is no cache to restore") && log.contains("Saved cache k-1 (1 files)"), "{log}");
        let kept = s3::list(&world.cx.cx, "bucket", "caches/").await.unwrap();
        assert_eq!(kept.iter().map(|o| o.key.as_str()).collect::<Vec<_>>(), ["caches/demo/0/k-1.zip"]);
        let second = again(&world).await;
        one(&world).await;
        let dir = world.state(&second).await.request.work_dir;
        assert_eq!(fs::read_to_string(dir.join("cache-in/src/deps/a/b")).unwrap(), "1");
        world.drive().await;
        assert!(world.log(&second).await.join("").contains("Restored cache k-1"));
        let input = codebuild::invalidate_project_cache::Input { project_name: "demo".to_owned() };
        codebuild::invalidate_project_cache(&world.cx.cx, input).await.unwrap();
        let third = again(&world).await;
        world.drive().await;
        assert!(world.log(&third).await.join("").contains("There is no cache to restore"));
    })
    .await;
}

#[tokio::test]
async fn a_hostile_cache_is_refused_and_the_build_goes_on_without_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.bucket("bucket").await;
        let mut first = true;
        for (name, link) in [("../../escape", None), ("/etc/escape", None), ("src/link", Some("../../../etc"))] {
            let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
            let options = zip::write::SimpleFileOptions::default();
            match link {
                None => {
                    zip.start_file(name, options).unwrap();
                    zip.write_all(b"x").unwrap();
                }
                Some(target) => zip.add_symlink(name, target, options).unwrap(),
            }
            let bytes = zip.finish().unwrap().into_inner();
            let describe = s3::Describe::default();
            s3::put_bytes(&world.cx.cx, "bucket", "caches/demo/0/cache.zip", bytes.into(), describe).await.unwrap();
            let spec = CACHED.replace("  key: k-$CODEBUILD_BUILD_NUMBER\n  fallback-keys: ['k-']\n", "");
            let id = if first { world.start(&spec, s3_cache()).await } else { again(&world).await };
            first = false;
            world.drive().await;
            let log = world.log(&id).await.join("");
            assert!(log.contains("The cache is not restored: the archive's entry"), "{name}: {log}");
            assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED");
        }
    })
    .await;
}

#[tokio::test]
async fn the_log_is_an_object_too_when_the_project_wants_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.bucket("bucket").await;
        let logs = json!({ "logsConfig": { "s3Logs": { "status": "ENABLED", "location": "bucket/logs" } } });
        let id = world.start("version: 0.2\nphases:\n  build:\n    commands: [echo hello]\n", logs).await;
        world.drive().await;
        let uuid = id.split(':').nth(1).unwrap();
        let (_, body) = s3::open(&world.cx.cx, "bucket", &format!("logs/{uuid}.gz"), None).await.unwrap();
        let packed = body.collect(1 << 20).await.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut text).unwrap();
        assert_eq!(text, world.log(&id).await.join(""));
        assert!(!text.is_empty());
    })
    .await;
}
