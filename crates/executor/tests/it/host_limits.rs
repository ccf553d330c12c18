//! Limits, endings and large or strange output.

use std::time::Instant;

use base::{JobOutcome, Secret, StepOutcome};
use executor::Executor as _;

use crate::rig::{Rig, follow, group_name, processes, unique_sleep, until};

#[tokio::test]
async fn a_timeout_kills_children_that_left_their_session() {
    let Some(rig) = Rig::new().await else { return };
    let mark = unique_sleep();
    let fork_twice = format!("setsid sh -c 'sh -c \"sleep {mark} & sleep {mark}\" & sleep {mark}' & sleep {mark}");
    let mut job = rig.spec("timeout", &[&fork_twice]);
    job.steps[0].finally = vec!["echo never".into()];
    // Enough for the shell to begin on a busy machine.
    job.timeout_seconds = 4;
    let seen = rig.run(&job).await;
    let JobOutcome::TimedOut(timeout) = &seen.outcome else { panic!("{seen:?}") };
    assert_eq!(timeout.after_seconds, 4);
    assert_eq!(seen.ended(), [("BUILD", &StepOutcome::TimedOut)]);
    assert_eq!((seen.text.as_str(), processes(&mark)), ("", vec![]));
}

#[tokio::test]
async fn cancel_also_ends_a_finally() {
    let Some(rig) = Rig::new().await else { return };
    let mark = unique_sleep();
    let mut job = rig.spec("finally", &["false"]);
    job.steps[0].finally = vec!["echo cleaning".into(), format!("trap '' TERM INT; sleep {mark}; echo never")];
    rig.host.start(&job).await.unwrap();
    until(&rig.host, &job.id, "cleaning").await;
    rig.host.cancel(&job.id).await.unwrap();
    let seen = follow(&rig.host, &job.id).await;
    assert!(matches!(seen.outcome, JobOutcome::Cancelled { .. }), "{seen:?}");
    assert_eq!((seen.text.as_str(), processes(&mark)), ("cleaning\n", vec![]));
    rig.host.destroy(&job.id).await.unwrap();
}

#[tokio::test]
async fn a_fork_bomb_is_held_by_the_limit() {
    let Some(rig) = Rig::new().await else { return };
    if !rig.host.isolation().limits.contains("processes") || rig.host.isolation().limits.contains("each process alone")
    {
        eprintln!("SKIPPED: no control group for processes here: {}", rig.host.isolation().limits);
        return;
    }
    let mark = unique_sleep();
    let mut job = rig.spec(
        "bomb",
        &[
            "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 0.3; true",
            &format!("for i in $(seq 200); do sleep {mark} & done; wait"),
        ],
    );
    job.limits.processes = Some(40);
    job.timeout_seconds = 3;
    rig.host.start(&job).await.unwrap();
    let seen = follow(&rig.host, &job.id).await;
    assert!(!seen.succeeded(), "{seen:?}");
    assert_eq!(processes(&mark), Vec::<i32>::new());
    rig.host.destroy(&job.id).await.unwrap();
    no_group_is_left(&rig, "bomb");
}

#[tokio::test]
async fn a_job_that_wants_too_much_memory_is_killed_and_says_so() {
    let Some(rig) = Rig::new().await else { return };
    if !rig.host.isolation().limits.contains("memory") {
        eprintln!("SKIPPED: no control group for memory here: {}", rig.host.isolation().limits);
        return;
    }
    let mut job = rig.spec("memory", &["echo begun", "head -c 300m /dev/zero | tail -n 1 >/dev/null"]);
    job.limits.memory_bytes = Some(64 << 20);
    let seen = rig.run(&job).await;
    assert!(matches!(seen.outcome, JobOutcome::OutOfMemory { .. }), "{seen:?}");
    assert!(seen.text.starts_with("begun\n") && seen.status() == 137, "{seen:?}");
    no_group_is_left(&rig, "memory");
}

/// A process alone may hold more than a group counts, and a user's processes are not the job's.
#[tokio::test]
async fn where_groups_limit_a_job_its_processes_are_not_limited_one_by_one() {
    let Some(rig) = Rig::new().await else { return };
    for (name, field) in [("memory", "Max data size"), ("processes", "Max processes")] {
        let limits = &rig.host.isolation().limits;
        if !limits.contains(name) || limits.contains("each process alone") {
            eprintln!("SKIPPED: no control group for {name} here: {limits}");
            continue;
        }
        let command = format!("grep '^{field}' /proc/self/limits");
        let free = rig.run(&rig.spec(&format!("free-{name}"), &[&command])).await;
        for round in 0..10 {
            let mut job = rig.spec(&format!("{name}-{round}"), &[&command]);
            job.limits.memory_bytes = Some(512 << 20).filter(|_| name == "memory");
            job.limits.processes = Some(64).filter(|_| name == "processes");
            assert_eq!(rig.run(&job).await.text, free.text);
        }
    }
}

#[tokio::test]
async fn a_cpu_limit_holds() {
    let Some(rig) = Rig::new().await else { return };
    let count = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
    let mut job = rig.spec("cpu", &[count]);
    job.limits.cpus = Some(0.1);
    let began = Instant::now();
    assert!(rig.run(&job).await.succeeded());
    let slow = began.elapsed();
    job.limits.cpus = None;
    let mut free = Vec::new();
    // One run may be held up by whoever else works on this machine.
    for round in 0..5 {
        job.id = format!("cpu-free-{round}");
        let began = Instant::now();
        assert!(rig.run(&job).await.succeeded());
        free.push(began.elapsed());
        if free.iter().any(|free| slow > *free) {
            break;
        }
    }
    if rig.host.isolation().limits.contains("CPU") {
        assert!(free.iter().any(|free| slow > *free), "{slow:?} is not longer than any of {free:?}");
    }
    no_group_is_left(&rig, "cpu");
}

#[tokio::test]
async fn a_hundred_megabytes_of_output_arrive_in_order() {
    let Some(rig) = Rig::new().await else { return };
    let line = "x".repeat(90);
    let mut job = rig.spec("large", &[&format!("seq -f '%08.0f {line}' 1 1000000")]);
    job.masked = vec![Secret::new("xyz-secret".into())];
    let began = Instant::now();
    let seen = rig.run(&job).await;
    eprintln!("{} bytes in {:?}", seen.text.len(), began.elapsed());
    assert_eq!(seen.text.len(), 100 * 1_000_000);
    assert!(seen.text.lines().enumerate().all(|(i, l)| l.get(..8) == Some(&format!("{:08}", i + 1))));
}

#[tokio::test]
async fn binary_output_and_endless_lines_are_made_readable() {
    let Some(rig) = Rig::new().await else { return };
    let job = rig.spec(
        "binary",
        &["printf 'a\\377\\000b\\n'", "head -c 300000 /dev/zero | tr '\\0' y; echo", "printf 'no end'"],
    );
    let seen = rig.run(&job).await;
    assert!(seen.text.starts_with("a\u{fffd}\0b\n"));
    assert!(seen.text.ends_with("no end\n"));
    assert_eq!(seen.text.matches('y').count(), 300_000);
    assert!(seen.lines().iter().all(|l| l.len() <= 64 << 10));
}

#[tokio::test]
async fn a_secret_is_masked_when_it_comes_in_pieces() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("masks", &["printf 'pass'; sleep 0.05; printf 'word-1'; sleep 0.05; echo ' end'"]);
    job.masked = vec![Secret::new("password-1".into()), Secret::new(String::new())];
    assert_eq!(rig.run(&job).await.text, "*** end\n");
    job.id = "masks-2".into();
    job.steps[0].commands = vec!["printf 'pass'".into(), "echo port".into()];
    assert_eq!(rig.run(&job).await.text, "passport\n");
}

#[tokio::test]
async fn the_first_line_is_seen_soon_after_the_start() {
    let Some(rig) = Rig::new().await else { return };
    let mut times = Vec::new();
    for i in 0..20 {
        let job = rig.spec(&format!("fast-{i}"), &["echo first", "sleep 0.01"]);
        let began = Instant::now();
        rig.host.start(&job).await.unwrap();
        let started = began.elapsed();
        until(&rig.host, &job.id, "first").await;
        let first = began.elapsed();
        let seen = follow(&rig.host, &job.id).await;
        times.push((first, started, began.elapsed()));
        assert!(seen.succeeded());
        rig.host.destroy(&job.id).await.unwrap();
    }
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    eprintln!("start to first line (of it start(), to the end): median {median:?}, worst {worst:?}");
    assert!(median.0.as_millis() < 1500, "{median:?}");
}

fn no_group_is_left(rig: &Rig, id: &str) {
    let name = group_name(&rig.host.jobs_dir(), id);
    let mut dirs = vec![std::path::PathBuf::from("/sys/fs/cgroup")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                let is_job = dir.ends_with("headworks-jobs") && entry.file_name() == *name;
                assert!(!is_job, "{} is left", entry.path().display());
                dirs.push(entry.path());
            }
        }
    }
}
