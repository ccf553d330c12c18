//! Events have the members that AWS's have (the published examples in the User Guide's "Monitoring CodePipeline events").

use std::collections::BTreeMap;

use engine::pipeline::{ActionResult, Artifact, ExecutionInput};
use formats::pipeline::RetryMode;
use serde_json::{Value, json};

use crate::pipeline_declare::declare;
use crate::pipeline_world::World;

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
            json!({"pipeline": "demo", "execution-id": "e1", "stage": "Source", "state": "STARTED", "version": 1})
        )
    );
}

#[test]
fn a_finished_source_names_its_result_and_artifact() {
    let mut world = world();
    details(&mut world);
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
    assert_eq!(
        details(&mut world)[0],
        (
            "CodePipeline Action Execution State Change".to_owned(),
            json!({
                "pipeline": "demo", "execution-id": "e1", "stage": "Source", "action": "Src", "state": "SUCCEEDED",
                "action-execution-id": id, "region": "eu-west-1", "version": 1,
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
    assert_eq!(events[2].1, json!({"pipeline": "demo", "execution-id": "e1", "state": "FAILED", "version": 1}));

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
    world.retry("e1", "Source", RetryMode::FailedActions, "ann").unwrap();
    let events = details(&mut world);
    assert_eq!(events.len(), 3);
    assert_eq!(events[0].1, json!({"pipeline": "demo", "execution-id": "e1", "state": "RESUMED", "version": 1}));
    assert_eq!(
        events[1].1,
        json!({"pipeline": "demo", "execution-id": "e1", "stage": "Source", "state": "RESUMED", "version": 1})
    );
    assert_eq!(events[2].1["state"], "STARTED");
    assert_eq!(events[2].1["action-execution-id"], base::derived_uuid(&["action", "e1/Source/Src/2"]).to_string());
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
    world.roll_back("r1", "Build", "e1", "ann").unwrap();
    let events = details(&mut world);
    let trigger = json!({"trigger-type": "ManualRollback", "trigger-detail": "ann"});
    assert_eq!(
        events[0].1,
        json!({"pipeline": "demo", "execution-id": "r1", "state": "STARTED", "version": 1, "execution-trigger": trigger})
    );
    let states: Vec<_> = events.iter().map(|(_, d)| (d["stage"].as_str(), d["state"].as_str().unwrap())).collect();
    assert_eq!(states, [(None, "STARTED"), (Some("Build"), "STARTED"), (Some("Build"), "STARTED")]);
}
