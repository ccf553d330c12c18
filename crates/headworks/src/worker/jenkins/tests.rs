//! What Jenkins is asked, and what its answers mean.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::project::path;
use super::run::queue_number;
use super::settle::{outcome, parameters, refusal};
use super::stage::Stage;
use crate::worker::result::Outcome;

fn job(configuration: &Value) -> Value {
    json!({"id": "j1", "data": {
        "actionConfiguration": {"configuration": configuration},
        "pipelineContext": {"pipelineName": "p", "stage": {"name": "s"}, "action": {"name": "a"}},
        "inputArtifacts": [
            {"name": "my-src", "location": {"type": "S3", "s3Location": {"bucketName": "b", "objectKey": "k/x"}}},
        ],
    }})
}

fn declared(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn names_of_folders_and_jobs_become_a_path_and_lead_nowhere_else() {
    assert_eq!(path("team/my app").as_deref(), Ok("job/team/job/my%20app"));
    assert_eq!(path("a?b#c").as_deref(), Ok("job/a%3Fb%23c"));
    for wrong in ["", "/a", "a/", "a//b", "..", "a/../b", "."] {
        assert!(path(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn keys_of_the_action_are_parameters_that_must_be_declared_and_the_workers_own_may_be() {
    let job = job(&json!({"ProjectName": "app", "Target": "a&b=c"}));
    let declared = declared(&["Target", "HEADWORKS_JOB_ID", "HEADWORKS_INPUT_MY_SRC", "OTHER"]);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        parameters(&job, &declared).unwrap(),
        [pair("Target", "a&b=c"), pair("HEADWORKS_JOB_ID", "j1"), pair("HEADWORKS_INPUT_MY_SRC", "s3://b/k/x")]
    );
    assert!(parameters(&job, &BTreeSet::new()).unwrap_err().contains("'Target'"));
}

#[test]
fn a_key_of_the_action_stands_above_the_workers_own() {
    let job = job(&json!({"ProjectName": "app", "HEADWORKS_STAGE": "mine"}));
    let declared = declared(&["HEADWORKS_STAGE"]);
    assert_eq!(parameters(&job, &declared).unwrap(), [("HEADWORKS_STAGE".to_owned(), "mine".to_owned())]);
}

#[test]
fn output_artifacts_and_a_missing_name_are_refused() {
    let good = job(&json!({"ProjectName": "app"}));
    assert_eq!(refusal(&good), None);
    let mut bad = good;
    bad["data"]["outputArtifacts"] = json!([{"name": "Out"}]);
    assert!(refusal(&bad).unwrap().contains("output artifacts"));
    assert!(refusal(&job(&json!({}))).unwrap().contains("ProjectName"));
}

#[test]
fn only_success_is_success() {
    assert!(outcome("app", 7, "SUCCESS", "http://j/7/").is_final_success());
    for result in ["FAILURE", "UNSTABLE", "ABORTED", "NOT_BUILT", "NEW_ONE"] {
        let Outcome::Failed { message, external } = outcome("app", 7, result, "http://j/7/") else { panic!() };
        assert!(message.contains(result) && message.contains("http://j/7/"), "{message}");
        assert_eq!(external.as_deref(), Some("7"));
    }
}

#[test]
fn a_stage_is_read_as_it_was_written_and_half_a_one_is_an_open_question() {
    for stage in [Stage::New, Stage::Asked, Stage::Queued(12), Stage::Building(3)] {
        assert_eq!(Stage::parse(&stage.text()), stage);
    }
    assert_eq!(Stage::parse("build"), Stage::Asked);
}

#[test]
fn the_queue_is_found_behind_any_name_of_jenkins() {
    assert_eq!(queue_number("https://ci.example/jenkins/queue/item/12/"), Some(12));
    assert_eq!(queue_number("/queue/item/12"), Some(12));
    assert_eq!(queue_number("https://ci.example/job/app/"), None);
}
