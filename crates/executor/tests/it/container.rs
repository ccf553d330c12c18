//! What is special about jobs in containers.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use base::{JobFile, JobFileContent, JobMount, JobOutcome, JobSpec, JobTrust, Secret};
use executor::{
    ContainerExecutor, Executor as _, ExecutorError, ImageRule, JobReport, JobState, LateEngine, Position, Started,
};
use futures_util::StreamExt as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::engine::{ContainerRig, EMPTY_IMAGE, IMAGE, OwnEngine, config, podman};
use crate::rig::{Rig, follow, parent_and_child, processes, step, unique_sleep, until, until_none};

/// A server of its own that starts the job and is then killed.
#[expect(clippy::disallowed_methods, reason = "the test is about processes")]
fn start_and_kill_the_server(rig: &ContainerRig, spec: &JobSpec) {
    let file = rig.dir.path().join(format!("{}.json", spec.id));
    std::fs::write(&file, serde_json::to_vec(spec).unwrap()).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_executor-shim"))
        .arg("serve")
        .args([rig.dir.path(), &file, &rig.socket])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "Ok(Now)");
    server.kill().unwrap();
    server.wait().unwrap();
}

/// The shim and the attendant of a job.
fn shims(rig: &ContainerRig, id: &str) -> Vec<i32> {
    processes(&rig.executor.jobs_dir().join(id).display().to_string())
}

fn kill(pids: impl IntoIterator<Item = i32>) {
    for pid in pids.into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

#[tokio::test]
async fn a_job_sees_its_image_and_its_own_folder_and_nothing_else_of_the_machine() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec(
        "sees",
        &[
            "id -u; pwd; ls /; echo \"$GREETING\"",
            "export KEPT=yes; keep() { echo kept $KEPT; }; cd /tmp",
            "keep; pwd; exit 0",
            "echo $KEPT; pwd; echo result >$HOME_DIR/result; echo gone >/etc/made",
        ],
    );
    job.env.insert("GREETING".into(), "two\nlines 'quoted'".into());
    job.env.insert("HOME_DIR".into(), job.work_dir.display().to_string());
    let seen = rig.run(&job).await;
    let work = job.work_dir.display().to_string();
    let lines = seen.lines();
    assert!(seen.succeeded(), "{seen:?}");
    assert_eq!(lines[..2], ["0", work.as_str()]);
    assert!(lines.contains(&"bin") && !lines.contains(&"boot"), "{seen:?}");
    assert!(seen.text.ends_with("two\nlines 'quoted'\nkept yes\n/tmp\nyes\n/tmp\n"), "{seen:?}");
    assert_eq!(std::fs::read_to_string(job.work_dir.join("result")).unwrap(), "result\n");
    assert!(!std::path::Path::new("/etc/made").exists());
    assert_eq!(rig.containers().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_job_outlives_its_server_and_is_followed_by_the_next_one() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec("outlives", &["mkfifo go; echo before; read word <go; echo $word"]);
    job.steps.push(step("POST_BUILD", &["echo after; echo ran >> ran"]));
    start_and_kill_the_server(&rig, &job);
    until(&rig.executor, &job.id, "before").await;
    assert_eq!(rig.executor.list().await.unwrap()[0].state, JobState::Running);
    assert_eq!(rig.executor.start(&job).await.unwrap(), Started::Already);
    let go = job.work_dir.join("go");
    tokio::task::spawn_blocking(move || std::fs::write(go, "went\n")).await.unwrap().unwrap();
    let seen = follow(&rig.executor, &job.id).await;
    assert_eq!(seen.lines(), ["before", "went", "after"]);
    assert!(seen.succeeded());
    assert_eq!(std::fs::read_to_string(job.work_dir.join("ran")).unwrap(), "ran\n");
    rig.executor.destroy(&job.id).await.unwrap();
    assert_eq!(rig.containers().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_job_whose_shim_and_attendant_are_killed_is_lost_and_its_container_goes_with_it() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mark = unique_sleep();
    let job = rig.spec("lost", &["echo ran >> ran; echo up", &format!("sleep {mark}")]);
    start_and_kill_the_server(&rig, &job);
    until(&rig.executor, &job.id, "up").await;
    kill(shims(&rig, &job.id));
    let seen = follow(&rig.executor, &job.id).await;
    assert!(matches!(seen.outcome, JobOutcome::Lost { .. }), "{seen:?}");
    assert_eq!(rig.executor.start(&job).await.unwrap(), Started::Already);
    rig.executor.destroy(&job.id).await.unwrap();
    until_none(&mark).await;
    assert_eq!(rig.containers().await, Vec::<String>::new());
    assert_eq!(std::fs::read_to_string(job.work_dir.join("ran")).unwrap(), "ran\n");
}

#[tokio::test]
async fn a_container_whose_supervisor_dies_is_ended_by_its_attendant() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mark = unique_sleep();
    let job = rig.spec("orphan", &["echo up", &format!("sleep {mark}")]);
    rig.executor.start(&job).await.unwrap();
    until(&rig.executor, &job.id, "up").await;
    let (supervisor, _attendant) = parent_and_child(&shims(&rig, &job.id));
    kill([supervisor]);
    until_none(&mark).await;
    assert!(matches!(follow(&rig.executor, &job.id).await.outcome, JobOutcome::Lost { .. }));
    rig.executor.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn a_container_whose_attendant_dies_is_ended_by_its_supervisor() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mark = unique_sleep();
    let job = rig.spec("unattended", &["echo up", &format!("sleep {mark}")]);
    rig.executor.start(&job).await.unwrap();
    until(&rig.executor, &job.id, "up").await;
    let (_supervisor, attendant) = parent_and_child(&shims(&rig, &job.id));
    kill([attendant]);
    let seen = follow(&rig.executor, &job.id).await;
    assert!(matches!(seen.outcome, JobOutcome::Lost { .. }), "{seen:?}");
    assert_eq!(processes(&mark), Vec::<i32>::new());
    rig.executor.destroy(&job.id).await.unwrap();
    assert_eq!(rig.containers().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_container_that_is_killed_from_outside_ends_its_job_with_the_reason() {
    let Some(rig) = ContainerRig::new().await else { return };
    let job = rig.spec("outside", &["echo up", "sleep 1000"]);
    rig.executor.start(&job).await.unwrap();
    until(&rig.executor, &job.id, "up").await;
    podman(&["kill", &rig.containers().await[0]]);
    let seen = follow(&rig.executor, &job.id).await;
    let JobOutcome::Lost { reason, .. } = &seen.outcome else { panic!("{seen:?}") };
    assert!(reason.contains("ended from outside: exit status 137"), "{reason}");
    rig.executor.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn an_engine_that_dies_takes_no_job_along() {
    let Some(main) = ContainerRig::new().await else { return };
    let engine = OwnEngine::start(&main.dir);
    let dir = tempfile::Builder::new().prefix("container-").tempdir_in(crate::rig::base_dir()).unwrap();
    let executor = ContainerExecutor::probe(config(&dir, engine.socket.clone())).await.unwrap();
    let rig = ContainerRig { executor, dir, socket: engine.socket.clone() };
    let job = rig.spec("survives", &["mkfifo go; echo up; read word <go; echo $word"]);
    rig.executor.start(&job).await.unwrap();
    until(&rig.executor, &job.id, "up").await;
    engine.kill();
    let go = job.work_dir.join("go");
    tokio::task::spawn_blocking(move || std::fs::write(go, "went\n")).await.unwrap().unwrap();
    let seen = follow(&rig.executor, &job.id).await;
    assert!(seen.succeeded() && seen.lines() == ["up", "went"], "{seen:?}");
    // The job can be destroyed; its container goes when an engine is there again.
    rig.executor.destroy(&job.id).await.unwrap();
    assert!(rig.executor.list().await.unwrap().is_empty());
    assert_eq!(rig.containers().await.len(), 1);
    let engine = OwnEngine::start(&main.dir);
    ContainerExecutor::probe(config(&rig.dir, engine.socket.clone())).await.unwrap();
    assert_eq!(rig.containers().await, Vec::<String>::new());
    assert_eq!(std::fs::read_dir(rig.executor.jobs_dir()).unwrap().count(), 0, "not even a note");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_there_before_its_engine_knows_the_jobs_and_waits_for_it() {
    let Some(main) = ContainerRig::new().await else { return };
    let engine = OwnEngine::start(&main.dir);
    let dir = tempfile::Builder::new().prefix("container-").tempdir_in(crate::rig::base_dir()).unwrap();
    let executor = ContainerExecutor::probe(config(&dir, engine.socket.clone())).await.unwrap();
    let rig = ContainerRig { executor, dir, socket: engine.socket.clone() };
    let first = rig.spec("first", &["mkfifo go; echo up; read word <go; echo $word"]);
    rig.executor.start(&first).await.unwrap();
    until(&rig.executor, &first.id, "up").await;
    engine.kill();
    let late = LateEngine::new(config(&rig.dir, rig.socket.clone()));
    assert_eq!(late.list().await.unwrap()[0].state, JobState::Running);
    assert_eq!(late.start(&first).await.unwrap(), Started::Already);
    let go = first.work_dir.join("go");
    tokio::task::spawn_blocking(move || std::fs::write(go, "went\n")).await.unwrap().unwrap();
    assert_eq!(follow(&late, &first.id).await.lines(), ["up", "went"]);

    let second = rig.spec("second", &["echo ran"]);
    let (waiting, spec) = (late.clone(), second.clone());
    let started = tokio::spawn(async move { waiting.start(&spec).await });
    let _engine = tokio::task::block_in_place(|| OwnEngine::start(&main.dir));
    assert_eq!(started.await.unwrap().unwrap(), Started::Now);
    assert_eq!(follow(&late, &second.id).await.lines(), ["ran"]);
    for job in [&first, &second] {
        late.destroy(&job.id).await.unwrap();
    }
    assert_eq!(rig.containers().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_engine_that_dies_with_its_containers_ends_their_jobs_with_the_reason() {
    let Some(main) = ContainerRig::new().await else { return };
    let engine = OwnEngine::start(&main.dir);
    let dir = tempfile::Builder::new().prefix("container-").tempdir_in(crate::rig::base_dir()).unwrap();
    let executor = ContainerExecutor::probe(config(&dir, engine.socket.clone())).await.unwrap();
    let rig = ContainerRig { executor, dir, socket: engine.socket.clone() };
    let mark = unique_sleep();
    let job = rig.spec("dies", &["echo up", &format!("sleep {mark}")]);
    rig.executor.start(&job).await.unwrap();
    until(&rig.executor, &job.id, "up").await;
    engine.kill();
    podman(&["kill", &rig.containers().await[0]]);
    let seen = follow(&rig.executor, &job.id).await;
    let JobOutcome::Lost { reason, .. } = &seen.outcome else { panic!("{seen:?}") };
    assert!(reason.contains("the container ended") && reason.contains("does not answer"), "{reason}");
    // A job that begins now fails with the reason instead of waiting for ever.
    let job = rig.spec("late", &["echo never"]);
    let refused = rig.executor.prepare(&job, &|_| {}).await.unwrap_err();
    assert!(matches!(&refused, ExecutorError::Unfit { reason, .. } if reason.contains("does not answer")), "{refused}");
    podman(&["rm", "--force", &rig.containers().await[0]]);
}

#[tokio::test]
async fn what_a_job_leaves_is_the_servers() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mark = unique_sleep();
    let commands =
        ["mkdir -p a/b; echo x >a/b/f; chmod 600 a/b/f; chmod 500 a/b; chmod 700 a", "su nobody -s /bin/sh -c true"];
    let mut job = rig.spec("leaves", &[commands[0], commands[1], "echo up", &format!("sleep {mark}")]);
    job.exported = vec!["HOME".into()];
    rig.executor.start(&job).await.unwrap();
    until(&rig.executor, &job.id, "up").await;
    rig.executor.cancel(&job.id).await.unwrap();
    let seen = follow(&rig.executor, &job.id).await;
    assert!(matches!(seen.outcome, JobOutcome::Cancelled { .. }), "{seen:?}");
    assert_eq!(processes(&mark), Vec::<i32>::new());
    assert_eq!(std::fs::read_to_string(job.work_dir.join("a/b/f")).unwrap(), "x\n");
    rig.executor.destroy(&job.id).await.unwrap();
    executor::remove_tree(&job.work_dir).unwrap();
    assert!(!job.work_dir.exists());
}

#[tokio::test]
async fn limits_hold_and_want_of_memory_is_told_apart() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec("memory", &["echo begun", "head -c 300m /dev/zero | tail -n 1 >/dev/null"]);
    job.steps[0].commands[1] = "x=x; while true; do x=\"$x$x\"; done".into();
    job.limits.memory_bytes = Some(64 << 20);
    let seen = rig.run(&job).await;
    assert!(matches!(seen.outcome, JobOutcome::OutOfMemory { .. }), "{seen:?}");
    assert!(seen.text.starts_with("begun\n"), "{seen:?}");
    let mark = unique_sleep();
    let mut job = rig.spec("timeout", &[&format!("(sleep {mark} &) ; sleep {mark}")]);
    job.timeout_seconds = 2;
    let seen = rig.run(&job).await;
    assert!(matches!(seen.outcome, JobOutcome::TimedOut(_)), "{seen:?}");
    assert_eq!(processes(&mark), Vec::<i32>::new());
    let mut job = rig.spec("forks", &["for i in $(seq 100); do sleep 1000 & done"]);
    job.limits.processes = Some(20);
    job.timeout_seconds = 20;
    assert!(!rig.run(&job).await.succeeded());
}

#[tokio::test]
async fn output_arrives_whole_in_order_and_masked() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job =
        rig.spec("output", &["seq 1 200000; echo error >&2; printf 'pass'; printf 'word-1\\n'; printf 'no end'"]);
    job.masked = vec![Secret::new("password-1".into())];
    let seen = rig.run(&job).await;
    let lines = seen.lines();
    assert_eq!(lines.len(), 200_003, "{seen:?}");
    assert!(lines.iter().take(200_000).enumerate().all(|(i, line)| *line == (i + 1).to_string()));
    assert_eq!(lines[200_000..], ["error", "***", "no end"]);
}

#[tokio::test]
async fn the_words_of_codebuild_are_on_the_path() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec(
        "words",
        &[
            ": >a_test.sh; : >b_test.sh; codebuild-breakpoint",
            "codebuild-tests-run --files-search \"codebuild-glob-search '*_test.sh'\" --test-command echo 2>/dev/null",
        ],
    );
    job.env
        .extend([("CODEBUILD_CURRENT_SHARD", "1"), ("CODEBUILD_TOTAL_SHARDS", "2")].map(|(n, v)| (n.into(), v.into())));
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["b_test.sh"], "{seen:?}");
    assert!(seen.succeeded());
}

#[tokio::test]
async fn the_engine_is_not_told_the_environment() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec("secretive", &["echo \"$TOKEN\"; env | grep ^UID=", "echo up; sleep 1000"]);
    job.env.insert("TOKEN".into(), "s3cret 'with' \"quotes\" $HOME `id`\n\\".into());
    job.env.insert("UID".into(), "7".into());
    rig.executor.start(&job).await.unwrap();
    until(&rig.executor, &job.id, "s3cret 'with' \"quotes\" $HOME `id`\n\\\nUID=7\nup").await;
    let told = podman(&["inspect", &rig.containers().await[0]]);
    assert!(!told.contains("s3cret") && told.contains("UID=7"), "{told}");
    let control = rig.executor.jobs_dir().join(&job.id).join("control");
    assert!(!control.join("environment").exists(), "it is gone as soon as it is read");
    rig.executor.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn steps_run_as_users_of_the_image() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec("users", &["export KEPT=yes; cd /tmp; id -un; echo $HOME"]);
    job.steps.push(step("POST_BUILD", &["id -un; echo $HOME $KEPT; pwd; echo x >mine", "exit 0", "id -un; pwd"]));
    job.steps[1].run_as = Some("nobody".into());
    job.steps.push(step("UPLOAD_ARTIFACTS", &["id -un; echo $HOME $KEPT"]));
    let seen = rig.run(&job).await;
    let lines = ["root", "/root", "nobody", "/ yes", "/tmp", "nobody", "/tmp", "root", "/root yes"];
    assert_eq!(seen.lines(), lines, "{seen:?}");
    let mut job = rig.spec("nobody-there", &["echo never"]);
    job.steps[0].run_as = Some("somebody".into());
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["run-as: there is no user somebody in this build environment"], "{seen:?}");
    assert_eq!(seen.status(), 126);
    job.id = "injected".into();
    job.steps[0].run_as = Some("x; id".into());
    assert!(matches!(rig.executor.start(&job).await, Err(ExecutorError::Unfit { .. })));
}

#[tokio::test]
async fn mounts_are_there_and_read_only_when_they_are_to_be() {
    let Some(rig) = ContainerRig::new().await else { return };
    let cache = tempfile::Builder::new().prefix("cache-").tempdir_in(crate::rig::base_dir()).unwrap();
    std::fs::write(cache.path().join("in"), "from outside\n").unwrap();
    let mut job =
        rig.spec("mounts", &["cat /cache/in; echo x >/cache/out; (echo y >/fixed/out) 2>/dev/null || echo refused"]);
    let mount = |target: &str, read_only| JobMount { source: cache.path().into(), target: target.into(), read_only };
    job.container.mounts = vec![mount("/cache", false), mount("/fixed", true)];
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["from outside", "refused"], "{seen:?}");
    assert_eq!(std::fs::read_to_string(cache.path().join("out")).unwrap(), "x\n");
}

#[tokio::test]
async fn files_and_an_authority_are_in_the_container() {
    let Some(rig) = ContainerRig::new().await else { return };
    let own = rig.dir.path().join("own");
    let text = |name: &str, text: &str| {
        std::fs::write(rig.dir.path().join(name), text).unwrap();
        rig.dir.path().join(name)
    };
    let commands = ["grep ours /etc/hosts; cat /etc/copied", "echo $SSL_CERT_FILE $MINE; cat $SSL_CERT_FILE"];
    let mut job = rig.spec("files", &commands);
    text("own", "a copy\n");
    let file = |path: &str, content| JobFile { path: path.into(), content };
    job.files = vec![
        file("/etc/hosts", JobFileContent::Text("127.0.0.1 localhost\n127.77.0.1 ours\n".into())),
        file("/etc/copied", JobFileContent::Of(own)),
    ];
    job.trust = Some(JobTrust {
        authority: text("ca.pem", "AUTHORITY\n"),
        bundle: text("bundle.pem", "MACHINE\nAUTHORITY\n"),
        places: vec!["/etc/ssl/certs/ca-certificates.crt".into()],
        variables: vec!["SSL_CERT_FILE".into(), "MINE".into()],
    });
    job.env.insert("MINE".into(), "/mine".into());
    let seen = rig.run(&job).await;
    let lines = ["127.77.0.1 ours", "a copy", "/run/headworks/ca-bundle.pem /mine", "MACHINE", "AUTHORITY"];
    assert_eq!(seen.lines(), lines, "{seen:?}");
    // An image's own certificates stay, in all their places.
    let root = rig.dir.path().join("bundled");
    let dockerfile =
        format!("FROM {IMAGE}\nRUN mkdir -p /etc/ssl/certs && echo IMAGE >/etc/ssl/certs/ca-certificates.crt\n");
    std::fs::create_dir_all(&root).unwrap();
    std::fs::write(root.join("Dockerfile"), dockerfile).unwrap();
    let image = "localhost/headworks-test/bundled:1";
    podman(&["build", "--quiet", "--tag", image, &root.display().to_string()]);
    job.id = "bundled".into();
    job.container.image = image.into();
    job.steps[0].commands =
        vec!["for f in $SSL_CERT_FILE /etc/ssl/certs/ca-certificates.crt; do grep -v '^$' $f; done".into()];
    let seen = rig.run(&job).await;
    podman(&["rmi", "--force", image]);
    assert_eq!(seen.lines(), ["IMAGE", "AUTHORITY", "IMAGE", "AUTHORITY"], "{seen:?}");
}

#[tokio::test]
async fn privileged_mode_is_the_operators_to_allow() {
    let device = "ls /dev | grep -c -x -e kmsg -e loop-control -e mem || true";
    for (allowed, asked, expected) in [(false, true, false), (true, false, false), (true, true, true)] {
        let Some(rig) = ContainerRig::with(|config| config.allow_privileged = allowed).await else { return };
        let mut job = rig.spec("privileged", &["grep CapEff /proc/self/status", device]);
        job.container.privileged = asked;
        let notes = rig.executor.prepare(&job, &|_| {}).await.unwrap();
        assert_eq!(notes.iter().any(|n| n.contains("executor.allow_privileged")), asked && !allowed, "{notes:?}");
        let seen = rig.run(&job).await;
        let bits = seen.lines()[0].split_whitespace().last().map(|hex| u64::from_str_radix(hex, 16).unwrap()).unwrap();
        let (admin, raw_packets) = (bits >> 21 & 1 == 1, bits >> 13 & 1 == 1);
        assert_eq!((admin, raw_packets), (expected, expected), "allowed {allowed}, asked {asked}: {seen:?}");
    }
}

#[tokio::test]
async fn an_image_that_cannot_be_had_fails_while_it_is_provisioned() {
    let Some(rig) = ContainerRig::new().await else { return };
    let told = Mutex::new(Vec::new());
    for image in ["localhost:9/nobody/nothing:1", "aws/codebuild/standard:0.0"] {
        let mut job = rig.spec("unpullable", &["echo never"]);
        job.container.image = image.to_owned();
        let began = std::time::Instant::now();
        let refused = rig.executor.prepare(&job, &|line| told.lock().unwrap().push(line)).await.unwrap_err();
        let ExecutorError::Unfit { reason, .. } = refused else { panic!("{refused}") };
        assert!(reason.starts_with("Unable to pull the container image "), "{reason}");
        eprintln!("{:?}: {reason}", began.elapsed());
    }
    assert!(told.lock().unwrap()[0].starts_with("Pulling image localhost:9/nobody/nothing:1"));
}

#[tokio::test]
async fn curated_images_that_cannot_be_had_run_on_the_host_and_say_so() {
    let (Some(rig), Some(host)) = (ContainerRig::new().await, Rig::new().await) else { return };
    let fallback = crate::rig::config(rig.dir.path());
    let fallback = executor::HostExecutor::new(fallback, host.host.isolation().clone());
    let executor = rig.executor.clone().with_fallback(fallback);
    let mut job = rig.spec("curated", &["test -e /boot && echo on the host"]);
    job.container.image = "aws/codebuild/standard:0.0".into();
    let notes = executor.prepare(&job, &|_| {}).await.unwrap();
    assert!(
        notes[0].contains("standard:0.0 cannot be had") && notes[0].contains("this machine's sandbox"),
        "{notes:?}"
    );
    assert_eq!(executor.start(&job).await.unwrap(), Started::Now);
    let seen = follow(&executor, &job.id).await;
    assert_eq!(seen.lines(), ["on the host"], "{seen:?}");
    // An image of the project's own is never replaced.
    let mut own = rig.spec("own", &["echo never"]);
    own.container.image = "localhost:9/nobody/nothing:1".into();
    assert!(matches!(executor.prepare(&own, &|_| {}).await, Err(ExecutorError::Unfit { .. })));
    executor.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn the_operators_rules_name_images() {
    let rule = |text: &str| ImageRule::parse(text).unwrap();
    let rules = vec![rule(&format!("aws/codebuild/standard:7.0={IMAGE}")), rule("mine=host")];
    let Some(rig) = ContainerRig::with(|config| config.images = rules).await else { return };
    let mut job = rig.spec("ruled", &["test -e /boot || echo in the container"]);
    job.container.image = "aws/codebuild/standard:7.0".into();
    let notes = rig.executor.prepare(&job, &|_| {}).await.unwrap();
    assert!(notes[0].contains(IMAGE) && notes[0].contains("Podman"), "{notes:?}");
    assert_eq!(rig.run(&job).await.lines(), ["in the container"]);
    job.container.image = "mine".into();
    let refused = rig.executor.prepare(&job, &|_| {}).await.unwrap_err().to_string();
    assert!(refused.contains("executor.kind"), "{refused}");
}

#[tokio::test]
async fn an_image_without_a_shell_is_an_outcome_with_its_reason() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut job = rig.spec("shell-less", &["echo never"]);
    job.container.image = EMPTY_IMAGE.into();
    let seen = rig.run(&job).await;
    let JobOutcome::NotStarted { reason } = &seen.outcome else { panic!("{seen:?}") };
    assert!(reason.contains("/bin/sh"), "{reason}");
    assert_eq!(rig.containers().await, Vec::<String>::new());
    let mut job = rig.spec("bash-less", &["echo never"]);
    job.shell = "bash".into();
    let seen = rig.run(&job).await;
    assert_eq!(seen.status(), 127, "{seen:?}");
    assert!(seen.text.contains("bash"), "{seen:?}");
}

#[tokio::test]
async fn the_first_line_is_seen_soon_after_the_start() {
    let Some(rig) = ContainerRig::new().await else { return };
    let mut times = Vec::new();
    for i in 0..5 {
        let job = rig.spec(&format!("fast-{i}"), &["echo first"]);
        let began = std::time::Instant::now();
        rig.executor.start(&job).await.unwrap();
        let mut reports = rig.executor.follow(&job.id, Position::START);
        while !matches!(reports.next().await.unwrap().unwrap(), JobReport::Output { .. }) {}
        let first = began.elapsed();
        follow(&rig.executor, &job.id).await;
        times.push((first, began.elapsed()));
        rig.executor.destroy(&job.id).await.unwrap();
    }
    times.sort();
    eprintln!("start to first line, to the end: {:?}", times[times.len() / 2]);
}
