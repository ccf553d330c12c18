//! Execution modes: QUEUED and PARALLEL, what they refuse, and what becomes of executions when a pipeline changes.

use std::sync::Arc;
use std::time::Duration;

use base::{ApiError, Machine};
use engine::pipeline::{Execution, GateInput, Gates, GatesState};
use serde_json::{Value, json};
use store::machine::Missed;
use store::testing::each_engine;

use super::tests::*;
use super::*;

const GATES: &str = "arn:aws:codepipeline:eu-west-1:123456789012:demo";

fn in_mode(mode: &str) -> Value {
    let mut declared = declaration();
    declared["pipelineType"] = json!("V2");
    declared["executionMode"] = json!(mode);
    declared
}

impl World {
    async fn update(&self, declaration: Value) -> Result<(), ApiError> {
        update_pipeline(&self.cx, input(json!({"pipeline": declaration}))).await.map(|_| ())
    }

    async fn delete(&self) {
        delete_pipeline(&self.cx, input(json!({"name": "demo"}))).await.unwrap();
    }

    async fn disable(&self, stage: &str) -> Result<(), ApiError> {
        let disable =
            json!({"pipelineName": "demo", "stageName": stage, "transitionType": "Inbound", "reason": "freeze"});
        disable_stage_transition(&self.cx, input(disable)).await.map(|_| ())
    }

    /// Approval by approval, the execution and what stands as its external id.
    async fn approvals(&self) -> Vec<(String, String)> {
        let list = json_of(&list_action_executions(&self.cx, input(json!({"pipelineName": "demo"}))).await.unwrap());
        let of = |d: &Value| {
            let token = d["output"]["executionResult"]["externalExecutionId"].as_str().unwrap_or_default();
            (d["pipelineExecutionId"].as_str().unwrap().to_owned(), token.to_owned())
        };
        let details = list["actionExecutionDetails"].as_array().unwrap().clone();
        details.iter().filter(|d| d["actionName"] == "Ok" && d["status"] == "InProgress").map(of).collect()
    }

    async fn statuses(&self) -> Vec<String> {
        self.executions().await.iter().map(|e| e["status"].as_str().unwrap().to_owned()).collect()
    }

    async fn perform_all(&self) {
        while !self.perform().await.is_empty() {}
    }
}

fn ids(states: &Value) -> Vec<String> {
    let list = states["inboundExecutions"].as_array().cloned().unwrap_or_default();
    list.iter().map(|e| e["pipelineExecutionId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_queue_shows_who_waits_and_whoever_is_stopped_leaves_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(in_mode("QUEUED")).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..3 {
            waiting.push(world.start(json!({})).await.unwrap());
        }
        let source = world.state().await["stageStates"][0].clone();
        assert_eq!(ids(&source), waiting);
        let first = json!({"pipelineExecutionId": waiting[0], "status": "InProgress", "type": "STANDARD"});
        assert_eq!(source["inboundExecution"], first);
        assert_eq!(world.execution(&waiting[0]).await["executionMode"], "QUEUED");
        world.stop(&waiting[1], false).await.unwrap();
        assert_eq!(world.execution(&waiting[1]).await["status"], "Stopped");
        assert_eq!(code(world.stop(&waiting[1], false).await), "PipelineExecutionNotStoppableException");
        world.perform_all().await;
        let state = world.state().await["stageStates"].clone();
        assert_eq!(ids(&state[1]), [waiting[0].clone(), waiting[2].clone()], "the queue has moved on to the approval");
        let token = state[1]["actionStates"][0]["latestExecution"]["token"].as_str().unwrap().to_owned();
        world.approve(&token, "Approved").await.unwrap();
        assert_eq!(ids(&world.state().await["stageStates"][1]), [waiting[2].clone()]);
        // The first token is not that of the execution that is there now.
        assert_eq!(code(world.approve(&token, "Approved").await), "InvalidApprovalTokenException");
    })
    .await;
}

#[tokio::test]
async fn more_executions_than_the_limit_are_refused_and_asking_again_is_not() {
    for mode in ["QUEUED", "PARALLEL"] {
        let mut world = world(store::testing::sqlite(machines()).await);
        Arc::make_mut(&mut world.cx.site).max_executions = Some(3);
        world.create(in_mode(mode)).await.unwrap();
        world.start(json!({})).await.unwrap();
        let third = world.start(json!({"clientRequestToken": "t"})).await.unwrap();
        let refused = world.start(json!({})).await.unwrap_err();
        assert_eq!(refused.code, "ConcurrentPipelineExecutionsLimitExceededException");
        assert_eq!(refused.message, "Pipeline 'demo' has reached the limit of 3 concurrent pipeline executions");
        assert_eq!(world.start(json!({"clientRequestToken": "t"})).await.unwrap(), third);
        // Nobody would hear that the start by a push was refused.
        world.event(push(), "push").await;
        assert_eq!(world.executions().await.len(), 4, "{mode}");
        world.stop(&third, true).await.unwrap();
        assert_eq!(code(world.start(json!({})).await), "ConcurrentPipelineExecutionsLimitExceededException");
        Arc::make_mut(&mut world.cx.site).max_executions = None;
        world.start(json!({})).await.unwrap();
    }
}

#[tokio::test]
async fn executions_in_parallel_are_approved_by_their_external_ids() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(in_mode("PARALLEL")).await.unwrap();
        let second = world.start(json!({})).await.unwrap();
        world.perform_all().await;
        let stage = world.state().await["stageStates"][1].clone();
        assert_eq!(stage["stageName"], "Approve");
        assert_eq!(stage["latestExecution"], Value::Null, "mode PARALLEL has no state of its stages");
        assert_eq!(stage["actionStates"], json!([{"actionName": "Ok", "entityUrl": "https://example/1"}]));
        let approvals = world.approvals().await;
        assert_eq!(approvals.len(), 2);
        let token = approvals.iter().find(|(id, _)| *id == second).map(|(_, token)| token.clone()).unwrap();
        let other = "00000000-0000-4000-8000-000000000000";
        assert_eq!(code(world.approve(other, "Approved").await), "InvalidApprovalTokenException");
        world.approve(&token, "Approved").await.unwrap();
        assert_eq!(code(world.approve(&token, "Approved").await), "ApprovalAlreadyCompletedException");
        world.perform_all().await;
        assert_eq!(world.execution(&second).await["status"], "Succeeded");
        assert_eq!(code(world.approve(&token, "Rejected").await), "ApprovalAlreadyCompletedException");
        assert_eq!(world.approvals().await.len(), 1, "the other one still waits");
    })
    .await;
}

#[tokio::test]
async fn an_approval_that_has_timed_out_is_completed() {
    for mode in ["SUPERSEDED", "QUEUED", "PARALLEL"] {
        let world = world(store::testing::sqlite(machines()).await);
        world.create(in_mode(mode)).await.unwrap();
        world.perform_all().await;
        let id = world.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
        let token = match mode {
            "PARALLEL" => world.approvals().await[0].1.clone(),
            _ => {
                let state = world.state().await;
                state["stageStates"][1]["actionStates"][0]["latestExecution"]["token"].as_str().unwrap().to_owned()
            }
        };
        world.pass(Duration::from_secs(7 * 24 * 3600)).await;
        let execution = world.execution(&id).await;
        assert_eq!(execution["status"], "Failed", "{mode}");
        assert_eq!(execution["statusSummary"], "The approval was not given within 10080 minutes.");
        assert_eq!(code(world.approve(&token, "Approved").await), "ApprovalAlreadyCompletedException", "{mode}");
    }
}

#[tokio::test]
async fn a_pipeline_in_mode_parallel_has_no_rollback_and_no_transitions() {
    let world = world(store::testing::sqlite(machines()).await);
    world.create(in_mode("PARALLEL")).await.unwrap();
    let id = world.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
    let back = json!({"pipelineName": "demo", "stageName": "Approve", "targetPipelineExecutionId": id});
    assert_eq!(code(rollback_stage(&world.cx, input(back)).await), "UnableToRollbackStageException");
    assert_eq!(code(world.disable("Approve").await), "ValidationException");
    let enable = json!({"pipelineName": "demo", "stageName": "Approve", "transitionType": "Inbound"});
    assert_eq!(code(enable_stage_transition(&world.cx, input(enable)).await), "no error", "it is open");
}

#[tokio::test]
async fn a_failed_execution_is_retried_beside_others_while_there_is_room() {
    let mut world = world(store::testing::sqlite(machines()).await);
    world.create(in_mode("PARALLEL")).await.unwrap();
    world.start(json!({})).await.unwrap();
    world.perform_all().await;
    let approvals = world.approvals().await;
    world.approve(&approvals[0].1, "Rejected").await.unwrap();
    let failed = approvals[0].0.clone();
    assert_eq!(world.execution(&failed).await["status"], "Failed");
    let retry = |stage: &str| {
        input(json!({
            "pipelineName": "demo", "stageName": stage, "pipelineExecutionId": failed, "retryMode": "FAILED_ACTIONS",
        }))
    };
    // The definition has changed, which is nothing to an execution that goes by itself.
    world.update(in_mode("PARALLEL")).await.unwrap();
    assert_eq!(code(retry_stage_execution(&world.cx, retry("Nope")).await), "StageNotFoundException");
    assert_eq!(code(retry_stage_execution(&world.cx, retry("Source")).await), "StageNotRetryableException");
    Arc::make_mut(&mut world.cx.site).max_executions = Some(1);
    let full = "ConcurrentPipelineExecutionsLimitExceededException";
    assert_eq!(code(retry_stage_execution(&world.cx, retry("Approve")).await), full);
    Arc::make_mut(&mut world.cx.site).max_executions = Some(2);
    retry_stage_execution(&world.cx, retry("Approve")).await.unwrap();
    assert_eq!(world.approvals().await.len(), 2);
    assert_eq!(code(world.start(json!({})).await), full, "the retried one counts again");
}

#[tokio::test]
async fn an_update_while_thirty_executions_run_cancels_all_but_those_of_mode_parallel() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(in_mode("PARALLEL")).await.unwrap();
        for _ in 1..30 {
            world.start(json!({})).await.unwrap();
        }
        world.update(in_mode("QUEUED")).await.unwrap();
        assert_eq!(world.statuses().await, vec!["InProgress"; 30]);
        for _ in 0..30 {
            world.start(json!({})).await.unwrap();
        }
        world.update(in_mode("SUPERSEDED")).await.unwrap();
        // One is in the source action and waits for its end.
        let cancelled = world.statuses().await.iter().filter(|s| *s == "Cancelled").count();
        assert_eq!(cancelled, 29);
        world.perform_all().await;
        let statuses = world.statuses().await;
        assert_eq!(statuses.iter().filter(|s| *s == "Cancelled").count(), 30);
        assert_eq!(world.approvals().await.len(), 30, "those of mode PARALLEL have come to their approvals");
        for (_, token) in world.approvals().await {
            world.approve(&token, "Approved").await.unwrap();
        }
        world.perform_all().await;
        assert_eq!(world.statuses().await.iter().filter(|s| *s == "Succeeded").count(), 30);
    })
    .await;
}

#[tokio::test]
async fn deleting_a_pipeline_stops_what_runs_in_every_mode() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        for mode in ["SUPERSEDED", "QUEUED", "PARALLEL"] {
            world.tick();
            world.create(in_mode(mode)).await.unwrap();
            for _ in 0..300 {
                // Beyond the limit of AWS, so that what ends them must reach many.
                world.event(push(), &world.cx.ids.uuid().to_string()).await;
            }
            let seen = world.executions().await;
            let before = stale(&world);
            let known = match mode {
                "SUPERSEDED" => 1,
                "QUEUED" => 300,
                _ => 301,
            };
            world.delete().await;
            // What those who waited say of it changes nothing at the gates.
            assert_eq!(stale(&world) - before, known, "{mode}");
            let mut tx = world.cx.store.read().await.unwrap();
            for execution in seen {
                let id = execution["pipelineExecutionId"].as_str().unwrap();
                let row = store::machine::get::<engine::pipeline::Execution>(&mut tx, id).await.unwrap().unwrap();
                assert!(row.state.is_ended(), "{mode}: {id} is {:?}", row.state.phase);
            }
        }
    })
    .await;
}

/// How often gates were told what they knew.
fn stale(world: &World) -> u64 {
    let missed = store::machine::missed(&world.cx.store).into_iter();
    missed.filter(|(kind, what, _)| kind == Gates::KIND && *what == Missed::Stale).map(|(_, _, count)| count).sum()
}

#[tokio::test]
async fn a_long_queue_whose_executions_end_as_they_enter_empties_in_short_transactions() {
    each_engine(machines(), |test| async move {
        let mut world = world(test);
        Arc::make_mut(&mut world.cx.site).max_executions = None;
        let mut declared = in_mode("QUEUED");
        let id = json!({"category": "Rule", "owner": "AWS", "provider": "DeploymentWindow", "version": "1"});
        // The clock stands on a Monday.
        let window = json!({"name": "W", "ruleTypeId": id, "configuration": {"Cron": "* * * ? * SAT"},
                             "timeoutInMinutes": 5});
        declared["stages"][0]["beforeEntry"] = json!({"conditions": [{"result": "FAIL", "rules": [window]}]});
        world.create(declared).await.unwrap();
        world.disable("Source").await.unwrap();
        world.tick();
        let mut waiting = Vec::new();
        for _ in 0..300 {
            waiting.push(world.start(json!({})).await.unwrap());
        }
        let failed = async || {
            let mut tx = world.cx.store.read().await.unwrap();
            store::machine::with_status(&mut tx, Execution::KIND, "Failed").await.unwrap().len()
        };
        let gates = async || {
            let mut tx = world.cx.store.read().await.unwrap();
            let row = store::machine::get::<Gates>(&mut tx, GATES).await.unwrap().unwrap();
            assert_eq!(store::replay::<Gates>(&mut tx, GATES).await.unwrap().as_ref(), Some(&row.state));
            row.state
        };
        assert_eq!(failed().await, 1);
        let enable = json!({"pipelineName": "demo", "stageName": "Source", "transitionType": "Inbound"});
        enable_stage_transition(&world.cx, input(enable)).await.unwrap();
        let mut before = failed().await;
        assert_eq!(before, 17, "a part of them ends in the first transaction");
        for _ in 0..18 {
            let left: Vec<String> = gates().await.gates[0].waiting.clone();
            assert_eq!(left, waiting[before - 1..], "they are let in as they came");
            // Nothing but the store knows that there is something left to do.
            world.pass(Duration::ZERO).await;
            let now = failed().await;
            assert!(now > before && now <= before + 16, "{before}, then {now}");
            before = now;
        }
        assert_eq!(before, 301);
        let at_rest = |state: GatesState| GatesState { rush: None, ..state };
        let rest = at_rest(gates().await);
        assert_eq!(rest.gates[0].inside, Vec::<String>::new());
        for _ in 0..2 {
            world.pass(Duration::ZERO).await;
            let again = world.cx.store.write(|tx| {
                Box::pin(async move { store::advance::<Gates>(tx, GATES, GateInput::Admit).await.map(|_| ()) })
            });
            again.await.unwrap();
            assert_eq!(at_rest(gates().await), rest, "whoever admits again finds nobody");
        }
    })
    .await;
}

#[tokio::test]
async fn an_approval_given_long_ago_is_completed_whatever_the_mode_is_now() {
    each_engine(machines(), |test| async move {
        let mut world = world(test);
        Arc::make_mut(&mut world.cx.site).max_executions = None;
        world.create(in_mode("PARALLEL")).await.unwrap();
        world.perform_all().await;
        let (first, token) = world.approvals().await.remove(0);
        world.approve(&token, "Approved").await.unwrap();
        world.perform_all().await;
        assert_eq!(world.execution(&first).await["status"], "Succeeded");
        for _ in 0..60 {
            world.tick();
            world.start(json!({})).await.unwrap();
        }
        let completed = "ApprovalAlreadyCompletedException";
        assert_eq!(code(world.approve(&token, "Approved").await), completed, "sixty have begun since");
        for mode in ["QUEUED", "SUPERSEDED"] {
            world.update(in_mode(mode)).await.unwrap();
            assert_eq!(code(world.approve(&token, "Rejected").await), completed, "{mode}");
            let other = "00000000-0000-4000-8000-000000000000";
            assert_eq!(code(world.approve(other, "Approved").await), "InvalidApprovalTokenException", "{mode}");
        }
        world.delete().await;
        assert_eq!(code(world.approve(&token, "Approved").await), "PipelineNotFoundException");
        world.tick();
        world.create(in_mode("PARALLEL")).await.unwrap();
        assert_eq!(code(world.approve(&token, "Approved").await), "InvalidApprovalTokenException", "of another");
    })
    .await;
}

fn push() -> Value {
    json!({
        "source": "aws.codecommit", "detail-type": "CodeCommit Repository State Change", "resources": [],
        "detail": {
            "event": "referenceUpdated", "referenceType": "branch", "repositoryName": "repo",
            "referenceName": "main", "commitId": "8cf40f2",
        },
    })
}

#[tokio::test]
async fn each_source_takes_revisions_of_its_own_types_once() {
    for allowed in [false, true] {
        let world = world(store::testing::sqlite(machines()).await);
        let mut declared = in_mode("PARALLEL");
        declared["stages"][0]["actions"][0]["actionTypeId"]["provider"] = json!("S3");
        declared["stages"][0]["actions"][0]["configuration"] =
            json!({"S3Bucket": "src", "S3ObjectKey": "app.zip", "AllowOverrideForS3ObjectKey": allowed.to_string()});
        declared["stages"][1]["actions"][0]["configuration"] = json!({});
        world.create(declared).await.unwrap();
        world.perform_all().await;
        let revision =
            |action: &str, kind: &str| json!({"actionName": action, "revisionType": kind, "revisionValue": "x"});
        let (key, version) = (revision("Src", "S3_OBJECT_KEY"), revision("Src", "S3_OBJECT_VERSION_ID"));
        for wrong in [
            json!([revision("Src", "COMMIT_ID")]),
            json!([revision("Src", "IMAGE_DIGEST")]),
            json!([revision("Nope", "S3_OBJECT_VERSION_ID")]),
            json!([revision("Ok", "S3_OBJECT_VERSION_ID")]),
            json!([version, version]),
        ] {
            let refused = world.start(json!({"sourceRevisions": wrong})).await;
            assert_eq!(code(refused), "ValidationException", "{wrong}");
        }
        let both = world.start(json!({"sourceRevisions": [key, version]})).await;
        if allowed {
            both.unwrap();
            let source =
                engine::pipeline::Work::S3Source { bucket: "src".into(), key: "x".into(), version: Some("x".into()) };
            assert_eq!(world.perform().await, [source]);
        } else {
            assert_eq!(code(both), "ValidationException", "the key may not be overridden");
        }
        assert_eq!(world.executions().await.len(), 1 + usize::from(allowed), "what is refused leaves nothing behind");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_begins_unseen_while_its_pipeline_is_deleted_or_updated() {
    each_engine(machines(), |test| async move {
        let world = Arc::new(world(test));
        for (round, mode) in ["QUEUED", "PARALLEL", "SUPERSEDED"].into_iter().cycle().take(12).enumerate() {
            world.tick();
            world.create(in_mode(mode)).await.unwrap();
            let starts = (0..4).map(|_| {
                let world = world.clone();
                tokio::spawn(async move { world.start(json!({})).await })
            });
            let starts: Vec<_> = starts.collect();
            if round.is_multiple_of(2) {
                world.update(in_mode("QUEUED")).await.unwrap();
            }
            world.delete().await;
            for start in starts {
                let started = start.await.unwrap();
                let refused = started.as_ref().err().map(|e| e.code);
                assert!(refused.is_none_or(|code| code == "PipelineNotFoundException"), "{refused:?}");
                let Ok(id) = started else { continue };
                let mut tx = world.cx.store.read().await.unwrap();
                let row = store::machine::get::<engine::pipeline::Execution>(&mut tx, &id).await.unwrap();
                let phase = row.expect("an execution that was begun").state.phase.clone();
                assert!(matches!(phase, engine::pipeline::Phase::Ended(_)), "{mode}: {id} is {phase:?}");
            }
        }
    })
    .await;
}
