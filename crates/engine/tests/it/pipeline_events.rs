//! Events have the members that AWS's have (the published examples in the User Guide's "Monitoring CodePipeline events").

use std::collections::BTreeMap;
use std::time::Duration;

use engine::pipeline::{
    ActionResult, Artifact, CommitOrigin, ExecutionInput, ExecutionState, Revision, SourceOverride, Trigger,
};
use formats::pipeline::RetryMode;
use serde_json::{Value, json};

use crate::pipeline_declare::declare;
use crate::pipeline_world::{Row, World};

/// When the world begins.
const BEGIN: &str = "2023-11-14T22:13:20.000Z";

fn world() -> World {
    let lines = "stage Source\naction Src CodeCommit out=Src\nstage Build\naction Compile CodeBuild in=Src";
    let mut world = World::new(declare(lines.lines()));
    world.create("e1", BTreeMap::new());
    world.execution("e1", ExecutionInput::Start).unwrap();
    world
}

fn details(world: &mut World) -> Vec<(String, Value)> {
    world.events.drain(..).map(|e| (e.detail_type, e.detail)).collect()
}

#[test]
fn a_start_names_its_trigger() {
    let mut world = world();
    assert_eq!(world.events[0].source, "aws.codepipeline");
    assert_eq!(world.events[0].resources, ["arn:aws:codepipeline:eu-west-1:123456789012:demo"]);
    let events = details(&mut world);
    assert_eq!(
        events[0],
        (
            "CodePipeline Pipeline Execution State Change".to_owned(),
            json!({
                "pipeline": "demo", "execution-id": "e1", "state": "STARTED", "version": 1,
                "start-time": BEGIN, "pipeline-execution-attempt": 1,
                "execution-trigger": {
                    "trigger-type": "StartPipelineExecution", "trigger-detail": "arn:aws:iam::123456789012:root",
                },
            })
        )
    );
    assert_eq!(
        events[1],
        (
            "CodePipeline Stage Execution State Change".to_owned(),
            json!({
                "pipeline": "demo", "execution-id": "e1", "stage": "Source", "state": "STARTED", "version": 1,
                "start-time": BEGIN, "pipeline-execution-attempt": 1,
            })
        )
    );
}

#[test]
fn a_finished_source_names_its_result_and_artifact() {
    let mut world = world();
    details(&mut world);
    world.now = world.now + Duration::from_millis(90_500);
    let artifact = Artifact { name: "Src".into(), bucket: "artifacts".into(), key: "demo/Src/abcdefg".into() };
    let result = ActionResult::Succeeded {
        external_execution_id: Some("8cf40f2".into()),
        external_execution_url: Some("https://example/commit/8cf40f2".into()),
        summary: Some("Added LICENSE.txt".into()),
        output_variables: BTreeMap::new(),
        output_artifacts: vec![artifact],
        revision: None,
    };
    world.execution("e1", ExecutionInput::ActionFinished { key: "e1/Source/Src/1".into(), result }).unwrap();
    let id = base::derived_uuid(&["action", "e1/Source/Src/1"]).to_string();
    let events = details(&mut world);
    assert_eq!(
        events[0],
        (
            "CodePipeline Action Execution State Change".to_owned(),
            json!({
                "pipeline": "demo", "execution-id": "e1", "stage": "Source", "action": "Src", "state": "SUCCEEDED",
                "action-execution-id": id, "region": "eu-west-1", "version": 1,
                "start-time": BEGIN, "pipeline-execution-attempt": 1,
                "type": {"owner": "AWS", "provider": "CodeCommit", "category": "Source", "version": "1"},
                "execution-result": {
                    "external-execution-url": "https://example/commit/8cf40f2",
                    "external-execution-summary": "Added LICENSE.txt",
                    "external-execution-id": "8cf40f2",
                },
                "output-artifacts": [{"name": "Src", "s3location": {"bucket": "artifacts", "key": "demo/Src/abcdefg"}}],
            })
        )
    );
    // A stage's event tells when the execution began, an action's when the action did.
    let starts: Vec<Value> = events.iter().map(|(_, d)| json!([d["state"], d["start-time"]])).collect();
    let later = "2023-11-14T22:14:50.500Z";
    assert_eq!(
        json!(starts),
        json!([["SUCCEEDED", BEGIN], ["SUCCEEDED", BEGIN], ["STARTED", BEGIN], ["STARTED", later]])
    );
}

#[test]
fn a_failure_carries_its_code_and_a_stop_its_reason() {
    let mut one = world();
    let result = serde_json::from_value(json!({"Failed": {"code": "JobFailed", "message": "no such branch"}})).unwrap();
    details(&mut one);
    one.execution("e1", ExecutionInput::ActionFinished { key: "e1/Source/Src/1".into(), result }).unwrap();
    let events = details(&mut one);
    assert_eq!(
        events[0].1["execution-result"],
        json!({"external-execution-summary": "no such branch", "error-code": "JobFailed"})
    );
    assert_eq!(
        events[2].1,
        json!({
            "pipeline": "demo", "execution-id": "e1", "state": "FAILED", "version": 1, "start-time": BEGIN,
            "pipeline-execution-attempt": 1,
        })
    );

    let mut other = world();
    details(&mut other);
    let reason = Some("Stopping the pipeline for an update".to_owned());
    other.execution("e1", ExecutionInput::Stop { abandon: true, reason, by: "ann".into() }).unwrap();
    let events = details(&mut other);
    let states: Vec<&str> = events.iter().map(|(_, d)| d["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["STOPPING", "STOPPING", "ABANDONED", "STOPPED", "STOPPED"]);
    assert_eq!(events[0].1["stop-execution-comments"], "Stopping the pipeline for an update");
    assert_eq!(events[2].1.get("execution-result"), None);
}

#[test]
fn a_retry_resumes_the_execution_and_its_stage() {
    let mut world = world();
    let result = serde_json::from_value(json!({"Failed": {"code": "JobFailed", "message": "no such branch"}})).unwrap();
    world.execution("e1", ExecutionInput::ActionFinished { key: "e1/Source/Src/1".into(), result }).unwrap();
    details(&mut world);
    world.now = world.now + Duration::from_secs(60);
    world.retry("e1", "Source", RetryMode::FailedActions, "ann").unwrap();
    let events = details(&mut world);
    let later = "2023-11-14T22:14:20.000Z";
    assert_eq!(events.len(), 3);
    assert_eq!(
        events[0].1,
        json!({
            "pipeline": "demo", "execution-id": "e1", "state": "RESUMED", "version": 1, "start-time": BEGIN,
            "pipeline-execution-attempt": 2,
        })
    );
    assert_eq!(
        events[1].1,
        json!({
            "pipeline": "demo", "execution-id": "e1", "stage": "Source", "state": "RESUMED", "version": 1,
            "start-time": BEGIN, "pipeline-execution-attempt": 2, "stage-last-retry-attempt-time": later,
        })
    );
    assert_eq!(events[2].1["state"], "STARTED");
    assert_eq!(events[2].1["start-time"], later);
    assert_eq!(events[2].1["action-execution-id"], base::derived_uuid(&["action", "e1/Source/Src/2"]).to_string());
}

#[test]
fn all_later_events_of_a_stage_that_was_retried_say_when_and_those_of_others_do_not() {
    let lines = [
        "stage Source",
        "action Src CodeCommit out=Src",
        "on-failure RETRY ALL_ACTIONS",
        "stage Build",
        "action Compile CodeBuild in=Src",
    ];
    let mut world = World::new(declare(lines.into_iter()));
    world.create("e1", BTreeMap::new());
    world.execution("e1", ExecutionInput::Start).unwrap();
    details(&mut world);
    world.now = world.now + Duration::from_secs(30);
    world.execution("e1", failed("e1/Source/Src/1")).unwrap();
    world.now = world.now + Duration::from_secs(30);
    world.execution("e1", succeeded("e1/Source/Src/2", None)).unwrap();
    let told: Vec<Value> = details(&mut world)
        .iter()
        .filter(|(kind, _)| kind.contains("Stage"))
        .map(|(_, d)| {
            json!([d["stage"], d["state"], d["pipeline-execution-attempt"], d.get("stage-last-retry-attempt-time")])
        })
        .collect();
    let retried = "2023-11-14T22:13:50.000Z";
    assert_eq!(
        json!(told),
        json!([
            ["Source", "FAILED", 1, null],
            ["Source", "RESUMED", 2, retried],
            ["Source", "SUCCEEDED", 2, retried],
            ["Build", "STARTED", 2, null],
        ])
    );
}

fn failed(key: &str) -> ExecutionInput {
    let result = serde_json::from_value(json!({"Failed": {"code": "JobFailed", "message": "no such branch"}})).unwrap();
    ExecutionInput::ActionFinished { key: key.into(), result }
}

/// The source found a commit.
fn succeeded(key: &str, revision: Option<Revision>) -> ExecutionInput {
    let artifact = Artifact { name: "Src".into(), bucket: "artifacts".into(), key: "demo/Src/abcdefg".into() };
    let variables = [
        ("AuthorDate", "2023-08-16T21:08:08Z"),
        ("CommitMessage", "Update file README.md"),
        ("ConnectionArn", "arn:aws:codeconnections:eu-west-1:123456789012:connection/1"),
        ("FullRepositoryName", "us/app"),
    ];
    let result = ActionResult::Succeeded {
        external_execution_id: None,
        external_execution_url: None,
        summary: None,
        output_variables: variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        output_artifacts: vec![artifact],
        revision,
    };
    ExecutionInput::ActionFinished { key: key.into(), result }
}

/// A world with an execution `e2` that a git trigger has started for this branch or tag.
fn pushed(reference: &str) -> World {
    let mut world = world();
    world.execution("e1", ExecutionInput::Stop { abandon: true, reason: None, by: "ann".into() }).unwrap();
    let for_source =
        |kind: &str, value: &str| SourceOverride { action: "Src".into(), kind: kind.into(), value: value.into() };
    let overrides = vec![for_source("COMMIT_ID", "c0ffee"), for_source(SourceOverride::BRANCH, reference)];
    world.create_of("demo", "e2", BTreeMap::new(), overrides, None);
    let trigger = Trigger { kind: Trigger::GIT.into(), detail: "{}".into() };
    let state = ExecutionState { trigger, ..world.state("e2").clone() };
    world.executions.insert("e2".into(), Row::new(state));
    world.execution("e2", ExecutionInput::Start).unwrap();
    world
}

fn commit() -> Revision {
    let (author, email) = ("Mary Major".to_owned(), "mary@example.com".to_owned());
    let commit = Some(Box::new(CommitOrigin { author, email, provider: "GitLab".to_owned() }));
    Revision { id: "c0ffee".into(), change: None, summary: None, url: None, created: None, pushers: Vec::new(), commit }
}

/// What the events of `e2` itself say of its trigger.
fn triggers(world: &mut World) -> Vec<(String, Value)> {
    let own = |(kind, d): &(String, Value)| kind.contains("Pipeline Ex") && d["execution-id"] == "e2";
    let of = |(_, d): (String, Value)| (d["state"].as_str().unwrap().to_owned(), d["execution-trigger"].clone());
    details(world).into_iter().filter(own).map(of).collect()
}

#[test]
fn the_end_of_what_a_git_trigger_started_names_the_commit() {
    let mut world = pushed("refs/tags/v4.2.1");
    let started = json!({"trigger-type": "WebhookV2", "trigger-detail": "{}"});
    assert_eq!(triggers(&mut world), [("STARTED".to_owned(), started)]);
    world.execution("e2", succeeded("e2/Source/Src/1", Some(commit()))).unwrap();
    world.execution("e2", failed("e2/Build/Compile/1")).unwrap();
    world.retry("e2", "Build", RetryMode::FailedActions, "ann").unwrap();
    world.execution("e2", succeeded("e2/Build/Compile/2", None)).unwrap();
    let expected = json!({
        "author-date": "2023-08-16T21:08:08Z", "author-display-name": "Mary Major", "author-id": "Mary Major",
        "author-email": "mary@example.com", "commit-id": "c0ffee", "commit-message": "Update file README.md",
        "connection-arn": "arn:aws:codeconnections:eu-west-1:123456789012:connection/1",
        "full-repository-name": "us/app", "provider-type": "GitLab", "tag-name": "v4.2.1",
    });
    let told = triggers(&mut world);
    assert_eq!(told.iter().map(|(state, _)| state.as_str()).collect::<Vec<_>>(), ["FAILED", "RESUMED", "SUCCEEDED"]);
    assert!(told.iter().all(|(_, trigger)| *trigger == expected), "{told:?}");

    // Someone else has started the rollback.
    details(&mut world);
    world.roll_back("r1", "Build", "e2", "ann").unwrap();
    world.execution("r1", ExecutionInput::Stop { abandon: true, reason: None, by: "ann".into() }).unwrap();
    assert_eq!(details(&mut world).last().unwrap().1.get("execution-trigger"), None);
}

#[test]
fn a_push_to_a_branch_names_the_branch_and_long_messages_are_cut() {
    let mut world = pushed("release/7");
    let mut found = succeeded("e2/Source/Src/1", Some(Revision { commit: None, ..commit() }));
    if let ExecutionInput::ActionFinished { result: ActionResult::Succeeded { output_variables, .. }, .. } = &mut found
    {
        output_variables.insert("CommitMessage".to_owned(), "\u{e4}".repeat(10_000));
    }
    world.execution("e2", found).unwrap();
    world.execution("e2", ExecutionInput::Stop { abandon: true, reason: None, by: "ann".into() }).unwrap();
    let (state, trigger) = triggers(&mut world).pop().unwrap();
    assert_eq!((state.as_str(), &trigger["branch-name"]), ("STOPPED", &json!("release/7")));
    assert_eq!(trigger["commit-message"].as_str().unwrap().chars().count(), 2048);
    assert_eq!((trigger.get("tag-name"), trigger.get("author-id")), (None, None));
}

#[test]
fn what_failed_in_its_source_stage_names_no_commit() {
    let mut world = pushed("release/7");
    details(&mut world);
    world.execution("e2", failed("e2/Source/Src/1")).unwrap();
    assert_eq!(triggers(&mut world), [("FAILED".to_owned(), Value::Null)]);
}

#[test]
fn an_execution_that_an_earlier_program_started_began_with_its_first_stage() {
    let mut world = world();
    details(&mut world);
    let mut stored = serde_json::to_value(world.state("e1")).unwrap();
    assert_eq!(stored.as_object_mut().unwrap().remove("started"), Some(json!("2023-11-14T22:13:20Z")));
    let before = ExecutionState { started: None, ..world.state("e1").clone() };
    let read: ExecutionState = serde_json::from_value(stored).unwrap();
    assert_eq!(read, before);
    world.executions.get_mut("e1").unwrap().state = read;
    world.now = world.now + Duration::from_secs(60);
    world.execution("e1", succeeded("e1/Source/Src/1", None)).unwrap();
    let starts: Vec<Value> = details(&mut world).iter().map(|(_, d)| d["start-time"].clone()).collect();
    assert_eq!(starts, [BEGIN, BEGIN, BEGIN, "2023-11-14T22:14:20.000Z"]);
}

#[test]
fn a_rollback_starts_with_the_trigger_that_it_has() {
    let mut world = world();
    for place in ["Source/Src", "Build/Compile"] {
        let artifact = Artifact { name: "Src".into(), bucket: "artifacts".into(), key: "demo/Src/abcdefg".into() };
        let result = json!({"Succeeded": {"output_artifacts": [artifact]}});
        let result = serde_json::from_value(result).unwrap();
        world.execution("e1", ExecutionInput::ActionFinished { key: format!("e1/{place}/1"), result }).unwrap();
    }
    details(&mut world);
    world.now = world.now + Duration::from_secs(60);
    world.roll_back("r1", "Build", "e1", "ann").unwrap();
    let events = details(&mut world);
    let trigger = json!({"trigger-type": "ManualRollback", "trigger-detail": "ann"});
    assert_eq!(
        events[0].1,
        json!({
            "pipeline": "demo", "execution-id": "r1", "state": "STARTED", "version": 1, "execution-trigger": trigger,
            "start-time": "2023-11-14T22:14:20.000Z", "pipeline-execution-attempt": 1,
        })
    );
    let states: Vec<_> = events.iter().map(|(_, d)| (d["stage"].as_str(), d["state"].as_str().unwrap())).collect();
    assert_eq!(states, [(None, "STARTED"), (Some("Build"), "STARTED"), (Some("Build"), "STARTED")]);
}
