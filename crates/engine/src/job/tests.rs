//! Who gets a job, and what comes of it.

use base::{AccountId, Machine, Region, Scope, Step, TimerChange, Timestamp};
use serde_json::json;

use super::*;
use crate::pipeline::External;

fn job() -> JobState {
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-west-1").unwrap() };
    JobState::new(NewJob {
        id: NewJob::id("e/s/a/1", 1),
        scope,
        execution: "e".to_owned(),
        key: "e/s/a/1".to_owned(),
        pipeline: "p".to_owned(),
        stage: "s".to_owned(),
        action: "a".to_owned(),
        action_execution: "x".to_owned(),
        action_type: serde_json::from_value(
            json!({"category": "Build", "owner": "Custom", "provider": "Mine", "version": "1"}),
        )
        .unwrap(),
        settings: serde_json::from_value(json!({"executionUrlTemplate": "https://x/{Config:P}/{ExternalExecutionId}"}))
            .unwrap(),
        configuration: [("P".to_owned(), "v".to_owned())].into(),
        sealed: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        role_arn: "r".to_owned(),
        encryption_key: None,
        continuation: None,
        number: 1,
    })
}

fn step(state: &JobState, input: JobInput) -> Step<Job> {
    Job::step(state, input, Timestamp::from_secs(100)).unwrap()
}

fn refused(state: &JobState, input: JobInput) -> JobRefusal {
    Job::step(state, input, Timestamp::from_secs(100)).unwrap_err()
}

fn hand_out(nonce: &str) -> JobInput {
    JobInput::HandOut { nonce: nonce.to_owned(), by: "w".to_owned() }
}

fn acknowledge(nonce: &str) -> JobInput {
    JobInput::Acknowledge { nonce: nonce.to_owned() }
}

fn running() -> JobState {
    step(&step(&job(), hand_out("n1")).state, acknowledge("n1")).state
}

#[test]
fn a_job_that_is_not_acknowledged_goes_back_and_its_old_nonce_counts_no_more() {
    let handed = step(&job(), hand_out("n1"));
    let [TimerChange::Set { at, .. }] = &handed.timers[..] else { panic!("{:?}", handed.timers) };
    assert_eq!(*at, Timestamp::from_secs(100) + LEASE);
    assert!(matches!(refused(&handed.state, hand_out("n2")), JobRefusal::NotQueued { .. }));
    let back = step(&handed.state, JobInput::LeaseEnded { nonce: "n1".to_owned() }).state;
    assert_eq!(refused(&back, acknowledge("n1")), JobRefusal::WrongNonce);
    let again = step(&back, hand_out("n2")).state;
    assert_eq!(refused(&again, JobInput::LeaseEnded { nonce: "n1".to_owned() }), JobRefusal::WrongNonce);
    assert_eq!(refused(&again, acknowledge("n1")), JobRefusal::WrongNonce);
    assert_eq!(step(&again, acknowledge("n2")).state.phase.as_str(), "InProgress");
}

#[test]
fn what_was_acknowledged_is_handed_out_to_nobody_else() {
    let running = running();
    assert!(matches!(refused(&running, hand_out("n2")), JobRefusal::NotQueued { .. }));
    assert_eq!(refused(&running, JobInput::LeaseEnded { nonce: "n1".to_owned() }), JobRefusal::WrongNonce);
    assert_eq!(step(&running, acknowledge("n1")).state, running, "who did not hear the answer asks again");
}

#[test]
fn a_result_counts_once_and_only_after_acknowledgement() {
    let success = || JobInput::Succeed(JobSuccess::default());
    assert!(matches!(refused(&job(), success()), JobRefusal::NotInProgress { .. }));
    assert!(matches!(refused(&step(&job(), hand_out("n1")).state, success()), JobRefusal::NotInProgress { .. }));
    let done = step(&running(), success());
    assert_eq!(done.tells.len(), 1);
    assert!(matches!(refused(&done.state, success()), JobRefusal::NotInProgress { .. }));
    let fail = JobInput::Fail { code: "JobFailed".to_owned(), message: "m".to_owned(), external_id: None };
    assert!(matches!(refused(&done.state, fail), JobRefusal::NotInProgress { .. }));
}

#[test]
fn the_workers_words_become_the_actions_and_its_template_an_address() {
    let external = External { id: Some("7".to_owned()), summary: Some("half".to_owned()), ..External::default() };
    let next = running().job.next("token".to_owned());
    let gone_on = step(&running(), JobInput::Continue { next: next.id.clone(), external });
    let told = &gone_on.tells[0].input["ActionStarted"];
    assert_eq!(told["external"]["url"], "https://x/v/7");
    assert_eq!(told["external"]["summary"], "half");
    assert_eq!((next.number, next.continuation.as_deref()), (2, Some("token")));
    assert_ne!(next.id, gone_on.state.job.id);
}

#[test]
fn what_is_cancelled_takes_no_result_and_cancelling_follows_the_job_that_goes_on() {
    let gone = step(&running(), JobInput::Cancel).state;
    assert!(matches!(refused(&gone, JobInput::Succeed(JobSuccess::default())), JobRefusal::NotInProgress { .. }));
    let next = running().job.next("t".to_owned()).id;
    let gone_on = step(&running(), JobInput::Continue { next: next.clone(), external: External::default() }).state;
    let tells = step(&gone_on, JobInput::Cancel).tells;
    assert_eq!((tells[0].kind.as_str(), &tells[0].id), ("pipeline_job", &next));
}
