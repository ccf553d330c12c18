//! One contract, every implementation.

use std::path::Path;
use std::sync::Arc;

use base::{CommandEnd, CommandOrder, JobHold, JobOutcome, Secret, StepFailure, StepOutcome, Timestamp};
use executor::{DummyExecutor, Executor, ExecutorError, JobReport, JobState, Position, Started};
use futures_util::StreamExt as _;

use crate::engine::ContainerRig;
use crate::rig::{Rig, follow, spec, step};

#[tokio::test]
async fn the_dummy_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    contract(Arc::new(DummyExecutor::default()), dir.path()).await;
}

#[tokio::test]
async fn the_host_keeps_the_contract() {
    let Some(rig) = Rig::new().await else { return };
    let work = rig.dir.path().join("contract");
    contract(rig.shared(), &work).await;
    assert_eq!(std::fs::read_dir(rig.host.jobs_dir()).unwrap().count(), 0, "nothing is left behind");
}

#[tokio::test]
async fn the_container_keeps_the_contract() {
    let Some(rig) = ContainerRig::new().await else { return };
    let work = rig.dir.path().join("contract");
    contract(Arc::new(rig.executor.clone()), &work).await;
    assert_eq!(std::fs::read_dir(rig.executor.jobs_dir()).unwrap().count(), 0, "nothing is left behind");
    assert_eq!(rig.containers().await, Vec::<String>::new(), "no container is left behind");
}

async fn contract(executor: Arc<dyn Executor>, work: &Path) {
    std::fs::create_dir_all(work).unwrap();
    a_job_runs_once_and_reports_everything(&*executor, work).await;
    a_failed_command_ends_its_step_but_not_its_finally(&*executor, work).await;
    a_failed_step_may_let_the_next_one_run(&*executor, work).await;
    any_position_can_be_resumed(&*executor, work).await;
    cancel_ends_a_job_that_would_run_for_ever(&executor, work).await;
    unknown_jobs_are_named(&*executor).await;
    two_starts_at_once_run_it_once(&executor, work).await;
    a_running_job_can_be_destroyed(&*executor, work).await;
    a_job_that_waits_for_orders_runs_each_once(&*executor, work).await;
}

async fn a_job_runs_once_and_reports_everything(executor: &dyn Executor, work: &Path) {
    let mut job = spec("project:once", work, &["echo hello", "export VERSION=1.2", "echo the s3cret"]);
    job.masked = vec![Secret::new("s3cret".into())];
    job.exported = vec!["VERSION".into(), "MISSING".into()];
    executor.prepare(&job, &|_| {}).await.unwrap();
    assert_eq!(executor.start(&job).await.unwrap(), Started::Now);
    assert_eq!(executor.start(&job).await.unwrap(), Started::Already);
    let seen = follow(executor, &job.id).await;
    assert_eq!(seen.text, "hello\nthe ***\n");
    let JobOutcome::Finished { steps, exported } = &seen.outcome else { panic!("{seen:?}") };
    assert_eq!(exported.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), [("VERSION", "1.2")]);
    assert!(steps.iter().all(|s| matches!(&s.finished, Some((at, StepOutcome::Succeeded)) if *at >= s.started)));
    assert_eq!(seen.steps.len(), 2, "a step is reported when it begins and when it ends");
    assert_eq!(executor.start(&job).await.unwrap(), Started::Already);
    assert_eq!(follow(executor, &job.id).await.outcome, seen.outcome, "every follower hears the same");
    let list = executor.list().await.unwrap();
    assert!(list.iter().any(|j| j.id == job.id && j.state == JobState::Ended), "{list:?}");
    executor.cancel(&job.id).await.unwrap();
    assert_eq!(follow(executor, &job.id).await.outcome, seen.outcome, "an ended job cannot be cancelled");
    executor.destroy(&job.id).await.unwrap();
    executor.destroy(&job.id).await.unwrap();
    assert!(executor.list().await.unwrap().is_empty());
}

async fn a_failed_command_ends_its_step_but_not_its_finally(executor: &dyn Executor, work: &Path) {
    let mut job = spec("fails", work, &["echo one", "exit 3", "echo never"]);
    job.steps[0].finally = vec!["echo always".into()];
    job.steps.push(step("POST_BUILD", &["echo never"]));
    executor.start(&job).await.unwrap();
    let seen = follow(executor, &job.id).await;
    assert_eq!(seen.text, "one\nalways\n");
    let failed = StepOutcome::Failed { command: "exit 3".into(), exit_status: 3 };
    assert_eq!(seen.ended(), [("BUILD", &failed)]);
    executor.destroy(&job.id).await.unwrap();
}

async fn a_failed_step_may_let_the_next_one_run(executor: &dyn Executor, work: &Path) {
    let mut job = spec("goes-on", work, &["false"]);
    job.steps[0].on_failure = StepFailure::Continue;
    job.steps.push(step("POST_BUILD", &["echo next"]));
    executor.start(&job).await.unwrap();
    let seen = follow(executor, &job.id).await;
    assert_eq!(seen.text, "next\n");
    assert_eq!(seen.ended().len(), 2);
    executor.destroy(&job.id).await.unwrap();
}

async fn any_position_can_be_resumed(executor: &dyn Executor, work: &Path) {
    let job = spec("resume", work, &["echo a", "echo b", "echo c"]);
    executor.start(&job).await.unwrap();
    let all: Vec<JobReport> = executor.follow(&job.id, Position::START).map(Result::unwrap).collect().await;
    for (i, report) in all.iter().enumerate() {
        let (JobReport::Output { position, .. } | JobReport::Step { position, .. }) = report else { continue };
        let rest: Vec<JobReport> = executor.follow(&job.id, *position).map(Result::unwrap).collect().await;
        assert_eq!(rest, all[i + 1..]);
    }
    executor.destroy(&job.id).await.unwrap();
}

async fn cancel_ends_a_job_that_would_run_for_ever(executor: &Arc<dyn Executor>, work: &Path) {
    let mut job = spec("cancelled", work, &["echo begun", "sleep 1000"]);
    job.steps[0].finally = vec!["echo never".into()];
    executor.start(&job).await.unwrap();
    let mut reports = executor.follow(&job.id, Position::START);
    while let Some(report) = reports.next().await {
        if matches!(report.unwrap(), JobReport::Output { .. }) {
            break;
        }
    }
    executor.cancel(&job.id).await.unwrap();
    executor.cancel(&job.id).await.unwrap();
    let seen = follow(&**executor, &job.id).await;
    assert_eq!(seen.text, "begun\n");
    assert!(matches!(seen.outcome, JobOutcome::Cancelled { .. }), "{seen:?}");
    assert_eq!(seen.ended(), [("BUILD", &StepOutcome::Cancelled)]);
    executor.destroy(&job.id).await.unwrap();
}

async fn unknown_jobs_are_named(executor: &dyn Executor) {
    let first = executor.follow("nobody", Position::START).next().await;
    assert!(matches!(first, Some(Err(ExecutorError::UnknownJob(id))) if id == "nobody"));
    assert!(matches!(executor.cancel("nobody").await, Err(ExecutorError::UnknownJob(_))));
    executor.destroy("nobody").await.unwrap();
}

async fn two_starts_at_once_run_it_once(executor: &Arc<dyn Executor>, work: &Path) {
    let job = spec("race", work, &["echo ran"]);
    let starts = (0..8).map(|_| {
        let (executor, job) = (executor.clone(), job.clone());
        tokio::spawn(async move { executor.start(&job).await.unwrap() })
    });
    let answers = futures_util::future::join_all(starts).await;
    let now = answers.iter().filter(|a| matches!(a, Ok(Started::Now))).count();
    assert_eq!(now, 1, "{answers:?}");
    assert_eq!(follow(&**executor, &job.id).await.text, "ran\n");
    executor.destroy(&job.id).await.unwrap();
}

async fn a_running_job_can_be_destroyed(executor: &dyn Executor, work: &Path) {
    let job = spec("destroyed", work, &["sleep 1000"]);
    executor.start(&job).await.unwrap();
    executor.destroy(&job.id).await.unwrap();
    assert!(executor.list().await.unwrap().is_empty());
}

pub fn order(id: &str, text: &str) -> CommandOrder {
    CommandOrder { id: id.to_owned(), submitted: Timestamp::EPOCH, text: Secret::new(text.to_owned()) }
}

/// Waits until so many ordered commands are over.
pub async fn ends(executor: &dyn Executor, id: &str, count: usize) -> Vec<(String, CommandEnd)> {
    let mut reports = executor.follow(id, Position::START);
    let mut ends = Vec::new();
    while ends.len() < count {
        match reports.next().await.unwrap().unwrap() {
            JobReport::Command { record, .. } => ends.extend(record.finished.map(|end| (record.id, end))),
            JobReport::Ended(outcome) => panic!("ended after {ends:?}: {outcome:?}"),
            JobReport::Output { .. } | JobReport::Step { .. } => {}
        }
    }
    ends
}

async fn a_job_that_waits_for_orders_runs_each_once(executor: &dyn Executor, work: &Path) {
    let mut job = spec("orders", work, &[]);
    job.hold = JobHold::ForOrders;
    job.masked = vec![Secret::new("s3cret".into())];
    executor.start(&job).await.unwrap();
    executor.order(&job.id, &order("a", "echo the s3cret")).await.unwrap();
    let first = ends(executor, &job.id, 1).await;
    assert_eq!((first[0].0.as_str(), first[0].1.exit_status, first[0].1.stdout.as_str()), ("a", Some(0), "the ***\n"));
    executor.order(&job.id, &order("a", "echo again")).await.unwrap();
    executor.order(&job.id, &order("b", "exit 3")).await.unwrap();
    let both = ends(executor, &job.id, 2).await;
    assert_eq!(
        both.iter().map(|(id, end)| (id.as_str(), end.exit_status)).collect::<Vec<_>>(),
        [("a", Some(0)), ("b", Some(3))]
    );
    executor.cancel(&job.id).await.unwrap();
    let seen = follow(executor, &job.id).await;
    assert_eq!(seen.text, "the ***\n");
    assert!(matches!(seen.outcome, JobOutcome::Cancelled { .. }), "{seen:?}");
    executor.order(&job.id, &order("c", "echo late")).await.unwrap();
    assert_eq!(follow(executor, &job.id).await.text, "the ***\n");
    executor.destroy(&job.id).await.unwrap();
    assert!(matches!(executor.order(&job.id, &order("d", "true")).await, Err(ExecutorError::UnknownJob(_))));
}
