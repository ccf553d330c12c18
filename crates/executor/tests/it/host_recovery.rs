//! What is left of a job when the server or the shim is killed.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use base::{JobOutcome, JobSpec};
use executor::{Executor as _, HostExecutor, JobReport, JobState, Position, ShimProgram, Started};
use futures_util::StreamExt as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::rig::{Rig, config, follow, parent_and_child, processes, step, supervisor, unique_sleep, until, until_none};

/// A server of its own that starts the job and is then killed.
#[expect(clippy::disallowed_methods, reason = "the test is about processes")]
fn start_and_kill_the_server(rig: &Rig, spec: &JobSpec) {
    let file = rig.dir.path().join(format!("{}.json", spec.id));
    std::fs::write(&file, serde_json::to_vec(spec).unwrap()).unwrap();
    let mut server = Command::new(env!("CARGO_BIN_EXE_executor-shim"))
        .arg("serve")
        .args([rig.dir.path(), &file])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "Ok(Now)");
    server.kill().unwrap();
    server.wait().unwrap();
}

fn shims(dir: &Path) -> Vec<i32> {
    processes(&format!("{}/", dir.join("jobs").display()))
}

#[tokio::test]
async fn a_job_outlives_its_server_and_is_followed_by_the_next_one() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("outlives", &["mkfifo go; echo before; read word <go; echo $word"]);
    job.steps.push(step("POST_BUILD", &["echo after; echo ran >> ran"]));
    start_and_kill_the_server(&rig, &job);
    until(&rig.host, &job.id, "before").await;
    assert_eq!(rig.host.list().await.unwrap()[0].state, JobState::Running);
    assert_eq!(rig.host.start(&job).await.unwrap(), Started::Already);
    let go = job.work_dir.join("go");
    tokio::task::spawn_blocking(move || std::fs::write(go, "went\n")).await.unwrap().unwrap();
    let seen = follow(&rig.host, &job.id).await;
    assert_eq!(seen.lines(), ["before", "went", "after"]);
    assert!(seen.succeeded());
    assert_eq!(std::fs::read_to_string(job.work_dir.join("ran")).unwrap(), "ran\n");
    assert_eq!(rig.host.start(&job).await.unwrap(), Started::Already);
    rig.host.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn a_job_of_a_killed_server_can_be_cancelled() {
    let Some(rig) = Rig::new().await else { return };
    let mark = unique_sleep();
    let job = rig.spec("orphan", &["echo up", &format!("sleep {mark}")]);
    start_and_kill_the_server(&rig, &job);
    until(&rig.host, &job.id, "up").await;
    rig.host.cancel(&job.id).await.unwrap();
    assert!(matches!(follow(&rig.host, &job.id).await.outcome, JobOutcome::Cancelled { .. }));
    assert_eq!(processes(&mark), Vec::<i32>::new());
    rig.host.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn a_job_whose_shim_is_killed_is_lost_and_never_run_again() {
    let Some(rig) = Rig::new().await else { return };
    let mark = unique_sleep();
    let mut job = rig.spec("lost", &["echo ran >> ran; echo up", &format!("sleep {mark}")]);
    job.steps.insert(0, step("INSTALL", &["true"]));
    job.limits.processes = Some(100);
    start_and_kill_the_server(&rig, &job);
    let mut live = rig.host.follow(&job.id, Position::START);
    until(&rig.host, &job.id, "up").await;
    for pid in shims(rig.dir.path()).into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
    // A follower that was there hears it, without asking again.
    let last = async {
        loop {
            if let JobReport::Ended(outcome) = live.next().await.unwrap().unwrap() {
                return outcome;
            }
        }
    };
    let outcome = tokio::time::timeout(std::time::Duration::from_secs(60), last).await.unwrap();
    let JobOutcome::Lost { steps, .. } = &outcome else { panic!("{outcome:?}") };
    assert!(steps[0].finished.is_some() && steps[1].finished.is_none(), "{steps:?}");
    assert_eq!(rig.host.list().await.unwrap()[0].state, JobState::Lost);
    assert_eq!(rig.host.start(&job).await.unwrap(), Started::Already);
    assert_eq!(follow(&rig.host, &job.id).await.outcome, outcome);
    assert_eq!(std::fs::read_to_string(job.work_dir.join("ran")).unwrap(), "ran\n");
    until_none(&mark).await;
    rig.host.destroy(&job.id).await.unwrap();
}

/// Who is in a job's control groups when its supervisor dies may take its time to go; nobody knows of them afterwards.
#[tokio::test]
async fn the_groups_of_a_lost_job_go_with_it_whoever_is_still_in_them() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("grouped", &["echo up; sleep 1000"]);
    job.limits.processes = Some(100);
    rig.host.start(&job).await.unwrap();
    until(&rig.host, &job.id, "up").await;
    let groups = std::fs::read_to_string(rig.host.jobs_dir().join("grouped/cgroups")).unwrap_or_default();
    let groups: Vec<&Path> = groups.lines().map(Path::new).collect();
    if groups.is_empty() {
        eprintln!("SKIPPED: no control groups here: {}", rig.host.isolation().limits);
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "the test is about processes")]
    let mut other = Command::new("sleep").arg("1000").spawn().unwrap();
    for group in &groups {
        std::fs::write(group.join("cgroup.procs"), other.id().to_string()).unwrap();
    }
    kill_process(Pid::from_raw(supervisor(&shims(rig.dir.path()))).unwrap(), Signal::KILL).unwrap();
    assert!(matches!(follow(&rig.host, &job.id).await.outcome, JobOutcome::Lost { .. }));
    rig.host.destroy(&job.id).await.unwrap();
    let left: Vec<_> = groups.iter().filter(|group| group.exists()).collect();
    other.kill().unwrap();
    assert_eq!(other.wait().unwrap().signal(), Some(9));
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_job_whose_sandbox_is_killed_is_lost_and_no_command_is_blamed() {
    let Some(rig) = Rig::new().await else { return };
    let mark = unique_sleep();
    let job = rig.spec("init", &["echo up", &format!("sleep {mark}")]);
    rig.host.start(&job).await.unwrap();
    until(&rig.host, &job.id, "up").await;
    let init = Pid::from_raw(parent_and_child(&shims(rig.dir.path())).1).unwrap();
    kill_process(init, Signal::KILL).unwrap();
    let outcome = follow(&rig.host, &job.id).await.outcome;
    let JobOutcome::Lost { steps, reason } = &outcome else { panic!("{outcome:?}") };
    assert!(steps[0].finished.is_none() && reason.contains("killed from outside"), "{outcome:?}");
    assert_eq!(processes(&mark), Vec::<i32>::new());
    rig.host.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn a_job_that_was_written_down_but_not_begun_is_safe_to_start() {
    let Some(rig) = Rig::new().await else { return };
    let job = rig.spec("waiting", &["echo ran"]);
    let folder = rig.host.jobs_dir().join("waiting");
    std::fs::create_dir_all(folder.join("control")).unwrap();
    std::fs::write(folder.join("plan.json"), "half a pl").unwrap();
    assert_eq!(rig.host.list().await.unwrap()[0].state, JobState::Waiting);
    assert_eq!(rig.host.start(&job).await.unwrap(), Started::Now);
    assert_eq!(follow(&rig.host, &job.id).await.text, "ran\n");
    assert!(!folder.join("plan.json").exists(), "the plan holds secrets and goes as soon as it is read");
    rig.host.destroy(&job.id).await.unwrap();
}

/// Two servers race, which no lock inside one process can settle.
#[tokio::test]
async fn two_shims_that_race_run_a_job_once() {
    let Some(rig) = Rig::new().await else { return };
    for round in 0..10 {
        let job = rig.spec(&format!("race-{round}"), &["echo ran >> ran"]);
        let config = crate::rig::config(rig.dir.path());
        let other = HostExecutor::new(config, rig.host.isolation().clone());
        let (a, b) = tokio::join!(rig.host.start(&job), other.start(&job));
        let now = [a.unwrap(), b.unwrap()].iter().filter(|s| **s == Started::Now).count();
        assert!(follow(&rig.host, &job.id).await.succeeded());
        assert_eq!((now, std::fs::read_to_string(job.work_dir.join("ran")).unwrap().as_str()), (1, "ran\n"));
        rig.host.destroy(&job.id).await.unwrap();
    }
}

#[tokio::test]
async fn a_sandbox_that_cannot_be_made_is_an_outcome_with_its_reason() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("unmakable", &["echo never"]);
    job.work_dir = job.work_dir.join("missing");
    job.current_dir = job.work_dir.clone();
    rig.host.start(&job).await.unwrap();
    let seen = follow(&rig.host, &job.id).await;
    let JobOutcome::NotStarted { reason } = &seen.outcome else { panic!("{seen:?}") };
    assert!(reason.contains("missing"), "{reason}");
    assert_eq!(seen.text, "");
    rig.host.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn nothing_is_left_of_a_trial_whose_server_was_killed() {
    let Some(rig) = Rig::new().await else { return };
    let jobs = rig.dir.path().join("jobs");
    for name in ["probe-1-work", "probe-1", ".doomed-probe-1"] {
        std::fs::create_dir_all(jobs.join(name).join("files")).unwrap();
    }
    HostExecutor::probe(config(rig.dir.path())).await.unwrap();
    let left: Vec<_> = std::fs::read_dir(&jobs).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_trial_whose_shim_is_killed_says_nothing_of_the_machine() {
    let Some(rig) = Rig::new().await else { return };
    let mut config = config(rig.dir.path());
    let (shim, killed) = (config.shim.program.display().to_string(), rig.dir.path().join("killed"));
    let once = format!("test -e {0} && exec {shim} \"$0\"; touch {0}; kill -9 $$", killed.display());
    config.shim = ShimProgram { program: "/bin/sh".into(), arguments: vec!["-c".into(), once.into()] };
    let again = HostExecutor::probe(config).await;
    assert!(killed.exists() && again.is_ok(), "{:?}", again.err());
}

#[tokio::test]
async fn what_is_no_job_any_more_is_still_found_and_removed() {
    let Some(rig) = Rig::new().await else { return };
    let jobs = rig.host.jobs_dir();
    for name in ["made-anew/control", ".doomed-half-removed/files"] {
        std::fs::create_dir_all(jobs.join(name)).unwrap();
    }
    std::fs::write(jobs.join(".container-noted"), "").unwrap();
    assert!(rig.host.list().await.unwrap().is_empty());
    let remains = rig.host.remains().await.unwrap();
    assert_eq!(remains, ["half-removed", "made-anew"]);
    for id in remains {
        rig.host.destroy(&id).await.unwrap();
    }
    rig.host.tidy().await;
    assert_eq!(std::fs::read_dir(&jobs).unwrap().count(), 0);
}

/// The removal of a job that was killed right behind the rename, which came right behind the start.
#[tokio::test]
async fn a_shim_that_begins_while_its_job_is_removed_is_ended() {
    let Some(rig) = Rig::new().await else { return };
    let mark = unique_sleep();
    let job = rig.spec("late", &["echo up", &format!("sleep {mark}")]);
    rig.host.start(&job).await.unwrap();
    until(&rig.host, &job.id, "up").await;
    let jobs = rig.host.jobs_dir();
    std::fs::rename(jobs.join("late"), jobs.join(".doomed-late")).unwrap();
    assert_eq!(rig.host.remains().await.unwrap(), ["late"]);
    rig.host.destroy(&job.id).await.unwrap();
    until_none(&mark).await;
    until_none(&format!("{}/", rig.dir.path().join("jobs").display())).await;
    assert_eq!(std::fs::read_dir(jobs).unwrap().count(), 0);
}
