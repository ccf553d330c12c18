//! Stages that fail: retries, rollbacks, conditions.

use std::time::Duration;

use base::ApiError;
use engine::pipeline::{ActionEffect, Execution, RollBack};
use serde_json::{Value, json};
use store::testing::each_engine;
use store::{machine, outbox};

use super::tests::*;
use super::*;

impl World {
    /// Ends the oldest effect as a failure.
    async fn fail(&self, message: &str) {
        let claimed = outbox::claim(&self.cx.store, "test", 1, Duration::from_secs(60)).await.unwrap().remove(0);
        let failed = json!({"Failed": {"code": "JobFailed", "message": message}});
        self.finish(claimed, serde_json::from_value(failed).unwrap()).await;
    }

    /// Begins the rollbacks that executions asked for, as the driver does.
    async fn roll_back_failed(&self) -> usize {
        let mut begun = 0;
        for claimed in outbox::claim(&self.cx.store, "test", 10, Duration::from_secs(60)).await.unwrap() {
            let ActionEffect::RollBack(asked) = serde_json::from_value(claimed.effect.clone()).unwrap() else {
                panic!("only a rollback is left to do: {claimed:?}")
            };
            self.begin(&claimed, &asked).await;
            begun += 1;
        }
        begun
    }

    async fn begin(&self, claimed: &outbox::Claimed, asked: &RollBack) {
        let (claimed, asked, ids) = (claimed.clone(), asked.clone(), self.cx.ids.clone());
        let begun = self.cx.store.write(move |tx| {
            let (claimed, asked, ids) = (claimed.clone(), asked.clone(), ids.clone());
            Box::pin(async move {
                roll_back_failed(tx, &*ids, &claimed.machine_id, &asked).await?;
                // Whoever asks again begins nothing.
                roll_back_failed(tx, &*ids, &claimed.machine_id, &asked).await?;
                outbox::finish(tx, &claimed).await?;
                Ok::<_, ApiError>(())
            })
        });
        begun.await.unwrap();
    }

    async fn roll_back(&self, stage: &str, target: &str) -> Result<String, ApiError> {
        let back = json!({"pipelineName": "demo", "stageName": stage, "targetPipelineExecutionId": target});
        rollback_stage(&self.cx, input(back)).await.map(|o| o.pipeline_execution_id)
    }

    /// The states of the pipeline's executions, newest first, as `(id, type, status)`.
    async fn history(&self) -> Vec<(String, String, String)> {
        let text = |e: &Value, key: &str| e[key].as_str().unwrap().to_owned();
        let of = |e: &Value| (text(e, "pipelineExecutionId"), text(e, "executionType"), text(e, "status"));
        self.executions().await.iter().map(of).collect()
    }

    async fn first_execution(&self) -> String {
        self.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned()
    }

    async fn retry(&self, stage: &str, id: &str, mode: &str) -> Result<String, ApiError> {
        let retry = json!({"pipelineName": "demo", "stageName": stage, "pipelineExecutionId": id, "retryMode": mode});
        retry_stage_execution(&self.cx, input(retry)).await.map(|o| o.pipeline_execution_id)
    }

    async fn action_executions(&self, filter: Value) -> Vec<(String, String)> {
        let list = input(json!({"pipelineName": "demo", "filter": filter}));
        let list = json_of(&list_action_executions(&self.cx, list).await.unwrap());
        let text = |d: &Value, key: &str| d[key].as_str().unwrap().to_owned();
        let details = list["actionExecutionDetails"].as_array().unwrap();
        details.iter().map(|d| (text(d, "actionName"), text(d, "status"))).collect()
    }
}

fn without_approval(change: impl FnOnce(&mut Value)) -> Value {
    let mut declared = declaration();
    declared["stages"].as_array_mut().unwrap().remove(1);
    declared["pipelineType"] = json!("V2");
    change(&mut declared);
    declared
}

#[tokio::test]
async fn a_failed_stage_is_tried_again_for_its_last_execution_alone() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(without_approval(|_| ())).await.unwrap();
        let id = world.first_execution().await;
        world.perform().await;
        assert_eq!(code(world.retry("Deploy", &id, "FAILED_ACTIONS").await), "StageNotRetryableException");
        world.fail("no such bucket").await;
        assert_eq!(world.execution(&id).await["status"], "Failed");
        assert_eq!(code(world.retry("Nope", &id, "ALL_ACTIONS").await), "StageNotFoundException");
        let unknown = "00000000-0000-4000-8000-000000000000";
        let not_latest = "NotLatestPipelineExecutionException";
        assert_eq!(code(world.retry("Deploy", unknown, "ALL_ACTIONS").await), not_latest);
        let gone =
            json!({"pipelineName": "gone", "stageName": "s", "pipelineExecutionId": id, "retryMode": "ALL_ACTIONS"});
        assert_eq!(code(retry_stage_execution(&world.cx, input(gone)).await), "PipelineNotFoundException");

        assert_eq!(world.retry("Deploy", &id, "FAILED_ACTIONS").await.unwrap(), id);
        assert_eq!(world.execution(&id).await["status"], "InProgress");
        assert_eq!(code(world.retry("Deploy", &id, "FAILED_ACTIONS").await), "StageNotRetryableException");
        let stage = world.state().await["stageStates"][1].clone();
        assert_eq!(
            stage["retryStageMetadata"],
            json!({"manualStageRetryAttempt": 1, "latestRetryTrigger": "ManualStageRetry"})
        );
        assert_eq!(world.perform().await.len(), 1);
        assert_eq!(world.execution(&id).await["status"], "Succeeded");
        let pair = |name: &str, status: &str| (name.to_owned(), status.to_owned());
        let (put, src) = (pair("Put", "Succeeded"), pair("Src", "Succeeded"));
        let range =
            |range: &str| json!({"latestInPipelineExecution": {"pipelineExecutionId": id, "startTimeRange": range}});
        let all = [put.clone(), pair("Put", "Failed"), src.clone()];
        assert_eq!(world.action_executions(range("All")).await, all);
        assert_eq!(world.action_executions(range("Latest")).await, [put, src]);

        world.tick();
        let second = world.start(json!({})).await.unwrap();
        world.perform().await;
        world.fail("no such bucket").await;
        assert_eq!(code(world.retry("Deploy", &id, "ALL_ACTIONS").await), not_latest);
        update_pipeline(&world.cx, input(json!({"pipeline": without_approval(|_| ())}))).await.unwrap();
        assert_eq!(code(world.retry("Deploy", &second, "ALL_ACTIONS").await), "StageNotRetryableException");
    })
    .await;
}

#[tokio::test]
async fn a_stage_tries_itself_again_once() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let declared = without_approval(|d| {
            d["stages"][1]["onFailure"] =
                json!({"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}});
        });
        world.create(declared).await.unwrap();
        let id = world.first_execution().await;
        world.perform().await;
        world.fail("throttled").await;
        assert_eq!(world.execution(&id).await["status"], "InProgress");
        let metadata = json!({"autoStageRetryAttempt": 1, "latestRetryTrigger": "AutomatedStageRetry"});
        assert_eq!(world.state().await["stageStates"][1]["retryStageMetadata"], metadata);
        world.fail("throttled again").await;
        assert_eq!(world.execution(&id).await["status"], "Failed");
        world.retry("Deploy", &id, "ALL_ACTIONS").await.unwrap();
        let metadata = world.state().await["stageStates"][1]["retryStageMetadata"].clone();
        assert_eq!(metadata["manualStageRetryAttempt"], 1);
        assert_eq!(metadata["autoStageRetryAttempt"], 1);
        let mut tx = world.cx.store.read().await.unwrap();
        let row = machine::get::<Execution>(&mut tx, &id).await.unwrap().unwrap();
        assert_eq!(store::replay::<Execution>(&mut tx, &id).await.unwrap(), Some(row.state));
    })
    .await;
}

#[tokio::test]
async fn a_stage_is_rolled_back_to_an_execution_that_was_successful_in_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(without_approval(|_| ())).await.unwrap();
        let first = world.first_execution().await;
        world.perform().await;
        assert_eq!(code(world.roll_back("Deploy", &first).await), "UnableToRollbackStageException", "it runs in it");
        world.perform().await;
        world.tick();
        let second = world.start(json!({})).await.unwrap();
        world.perform().await;
        world.fail("denied").await;
        for (stage, target, expected) in [
            ("Nope", first.as_str(), "StageNotFoundException"),
            ("Source", first.as_str(), "UnableToRollbackStageException"),
            ("Deploy", second.as_str(), "UnableToRollbackStageException"),
            ("Deploy", "00000000-0000-4000-8000-000000000000", "PipelineExecutionNotFoundException"),
        ] {
            assert_eq!(code(world.roll_back(stage, target).await), expected, "{stage} {target}");
        }
        let gone = json!({"pipelineName": "gone", "stageName": "s", "targetPipelineExecutionId": first});
        assert_eq!(code(rollback_stage(&world.cx, input(gone)).await), "PipelineNotFoundException");

        world.tick();
        let back = world.roll_back("Deploy", &first).await.unwrap();
        let execution = world.execution(&back).await;
        assert_eq!(execution["executionType"], "ROLLBACK");
        assert_eq!(execution["rollbackMetadata"], json!({"rollbackTargetPipelineExecutionId": first}));
        assert_eq!(
            execution["trigger"],
            json!({"triggerType": "ManualRollback", "triggerDetail": "arn:aws:iam::123456789012:user/ann"})
        );
        assert_eq!(execution["artifactRevisions"][0]["revisionId"], "8cf40f2");
        assert_eq!(code(world.roll_back("Deploy", &first).await), "UnableToRollbackStageException");
        let stage = world.state().await["stageStates"][1]["latestExecution"].clone();
        assert_eq!(stage, json!({"pipelineExecutionId": back, "status": "InProgress", "type": "ROLLBACK"}));
        assert_eq!(world.perform().await.len(), 1);
        assert_eq!(world.execution(&back).await["status"], "Succeeded");
        assert_eq!(code(world.roll_back("Deploy", &back).await), "UnableToRollbackStageException");
        let filter = json!({"pipelineName": "demo", "filter": {"succeededInStage": {"stageName": "Deploy"}}});
        let targets = async || {
            let list = json_of(&list_pipeline_executions(&world.cx, input(filter.clone())).await.unwrap());
            let list = list["pipelineExecutionSummaries"].as_array().unwrap().clone();
            list.iter().map(|e| e["pipelineExecutionId"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(targets().await, [json!(back), json!(first)]);

        update_pipeline(&world.cx, input(json!({"pipeline": without_approval(|_| ())}))).await.unwrap();
        assert_eq!(code(world.roll_back("Deploy", &first).await), "PipelineExecutionOutdatedException");
        assert_eq!(targets().await, Vec::<Value>::new(), "nothing has succeeded by this version");
        update_pipeline(&world.cx, input(json!({"pipeline": declaration()}))).await.unwrap();
        assert_eq!(code(world.roll_back("Deploy", &first).await), "UnableToRollbackStageException", "type V1");
    })
    .await;
}

#[tokio::test]
async fn gates_that_an_earlier_program_has_stored_still_lead_back_to_a_success() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let declared = without_approval(|d| d["stages"][1]["onFailure"] = json!({"result": "ROLLBACK"}));
        world.create(declared).await.unwrap();
        let first = world.first_execution().await;
        world.perform().await;
        world.perform().await;
        assert_eq!(world.execution(&first).await["status"], "Succeeded");
        let forget = |state: &mut Value| {
            for gate in state["gates"].as_array_mut().unwrap() {
                let gate = gate.as_object_mut().unwrap();
                gate.remove("succeeded").unwrap();
                gate.remove("keeps_success").unwrap();
            }
        };
        let gates = "arn:aws:codepipeline:eu-west-1:123456789012:demo";
        store::testing::rewrite(&world.cx.store, "pipeline", gates, forget).await;
        world.tick();
        world.start(json!({})).await.unwrap();
        world.perform().await;
        world.fail("denied").await;
        world.tick();
        assert_eq!(world.roll_back_failed().await, 1);
        let (back, kind, _) = world.history().await.remove(0);
        assert_eq!(kind, "ROLLBACK");
        assert_eq!(world.execution(&back).await["rollbackMetadata"]["rollbackTargetPipelineExecutionId"], first);
    })
    .await;
}

#[tokio::test]
async fn a_stage_that_fails_rolls_itself_back() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let declared = without_approval(|d| d["stages"][1]["onFailure"] = json!({"result": "ROLLBACK"}));
        world.create(declared).await.unwrap();
        let first = world.first_execution().await;
        world.perform().await;
        world.fail("denied").await;
        assert_eq!(world.roll_back_failed().await, 1);
        assert_eq!(world.history().await.len(), 1, "nothing has been successful yet");
        world.retry("Deploy", &first, "FAILED_ACTIONS").await.unwrap();
        world.perform().await;
        assert_eq!(world.execution(&first).await["status"], "Succeeded");

        world.tick();
        let second = world.start(json!({})).await.unwrap();
        world.perform().await;
        world.fail("denied").await;
        assert_eq!(world.execution(&second).await["status"], "Failed");
        assert_eq!(code(world.retry("Deploy", &second, "ALL_ACTIONS").await), "ConflictException");
        world.tick();
        assert_eq!(world.roll_back_failed().await, 1);
        let history = world.history().await;
        assert_eq!(history.len(), 3);
        let (back, kind, status) = &history[0];
        assert_eq!((kind.as_str(), status.as_str()), ("ROLLBACK", "InProgress"));
        let execution = world.execution(back).await;
        let detail = json!({"FailedPipelineExecutionId": second}).to_string();
        assert_eq!(execution["trigger"], json!({"triggerType": "AutomatedRollback", "triggerDetail": detail}));
        assert_eq!(execution["rollbackMetadata"]["rollbackTargetPipelineExecutionId"], first);
        world.fail("denied again").await;
        assert_eq!(world.roll_back_failed().await, 0, "a rollback is not rolled back");
        assert_eq!(world.execution(back).await["status"], "Failed");
        let mut tx = world.cx.store.read().await.unwrap();
        for id in [&first, &second, back] {
            let row = machine::get::<Execution>(&mut tx, id).await.unwrap().unwrap();
            assert_eq!(store::replay::<Execution>(&mut tx, id).await.unwrap(), Some(row.state));
        }
    })
    .await;
}

fn rule(name: &str, provider: &str, configuration: Value) -> Value {
    let id = json!({"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"});
    json!({"name": name, "ruleTypeId": id, "configuration": configuration})
}

fn condition(result: &str, rules: &[Value]) -> Value {
    json!({"conditions": [{"result": result, "rules": rules}]})
}

impl World {
    async fn go_on(&self, stage: &str, id: &str, kind: &str) -> Result<(), ApiError> {
        let over = json!({
            "pipelineName": "demo", "stageName": stage, "pipelineExecutionId": id, "conditionType": kind,
        });
        override_stage_condition(&self.cx, input(over)).await.map(|_| ())
    }

    async fn rule_executions(&self, more: Value) -> Value {
        let mut list = json!({"pipelineName": "demo"});
        list.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json_of(&list_rule_executions(&self.cx, input(list)).await.unwrap())
    }
}

#[tokio::test]
async fn a_condition_that_is_not_met_fails_its_stage_until_someone_overrides_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let wrong =
            rule("Commit", "VariableCheck", json!({"Variable": "#{Source.CommitId}", "Operator": "EQ", "Value": "x"}));
        let right =
            rule("Known", "VariableCheck", json!({"Variable": "#{Source.CommitId}", "Operator": "NE", "Value": "x"}));
        let ask = rule("Ask", "LambdaInvoke", json!({"FunctionName": "check"}));
        let declared = without_approval(|d| {
            d["stages"][1]["beforeEntry"] = condition("FAIL", &[right, wrong]);
            d["stages"][1]["onSuccess"] = condition("FAIL", &[ask]);
        });
        let created = world.create(declared.clone()).await.unwrap();
        assert_eq!(created["pipeline"]["stages"][1]["beforeEntry"], declared["stages"][1]["beforeEntry"]);
        let id = world.first_execution().await;
        world.perform().await;
        let execution = world.execution(&id).await;
        assert_eq!(execution["status"], "Failed");
        assert_eq!(execution["statusSummary"], "The variable's value '8cf40f2' is not EQ 'x'.");
        let stage = world.state().await["stageStates"][1].clone();
        assert_eq!(stage["latestExecution"]["status"], "Failed");
        let condition = &stage["beforeEntryConditionState"];
        assert_eq!(condition["latestExecution"]["status"], "Failed");
        let rules = &condition["conditionStates"][0]["ruleStates"];
        assert_eq!(rules[0]["latestExecution"]["status"], "Succeeded");
        assert_eq!(rules[1]["latestExecution"]["errorDetails"]["code"], "JobFailed");
        assert_eq!(stage["onSuccessConditionState"]["conditionStates"][0]["ruleStates"][0]["ruleName"], "Ask");
        assert_eq!(stage["onSuccessConditionState"].get("latestExecution"), None);
        assert_eq!(stage.get("onFailureConditionState"), None);

        assert_eq!(code(world.retry("Deploy", &id, "FAILED_ACTIONS").await), "StageNotRetryableException");
        assert_eq!(code(world.go_on("Deploy", &id, "ON_SUCCESS").await), "ConditionNotOverridableException");
        assert_eq!(code(world.go_on("Nope", &id, "BEFORE_ENTRY").await), "StageNotFoundException");
        let unknown = "00000000-0000-4000-8000-000000000000";
        let not_latest = "NotLatestPipelineExecutionException";
        assert_eq!(code(world.go_on("Deploy", unknown, "BEFORE_ENTRY").await), not_latest);
        world.go_on("Deploy", &id, "BEFORE_ENTRY").await.unwrap();
        let condition = world.state().await["stageStates"][1]["beforeEntryConditionState"]["latestExecution"].clone();
        let by = "Overridden by arn:aws:iam::123456789012:user/ann";
        assert_eq!(condition, json!({"status": "Overridden", "summary": by}));
        assert_eq!(world.perform().await.len(), 1);
        world.fail("no answer").await;
        assert_eq!(world.execution(&id).await["statusSummary"], "no answer");
        world.go_on("Deploy", &id, "ON_SUCCESS").await.unwrap();
        assert_eq!(world.execution(&id).await["status"], "Succeeded");
        assert_eq!(code(world.go_on("Deploy", &id, "ON_SUCCESS").await), "ConditionNotOverridableException");

        let all = world.rule_executions(json!({"filter": {"pipelineExecutionId": id}})).await;
        let details = all["ruleExecutionDetails"].as_array().unwrap();
        let names: Vec<&str> = details.iter().map(|d| d["ruleName"].as_str().unwrap()).collect();
        assert_eq!(names, ["Ask", "Commit", "Known"]);
        assert_eq!(details[0]["status"], "Failed");
        assert_eq!(details[0]["output"]["executionResult"]["errorDetails"]["message"], "no answer");
        assert_eq!(details[1]["input"]["ruleTypeId"]["provider"], "VariableCheck");
        assert_eq!(details[1]["input"]["resolvedConfiguration"]["Variable"], "8cf40f2");
        assert_eq!(details[1]["stageName"], "Deploy");
        let mut tx = world.cx.store.read().await.unwrap();
        let row = machine::get::<Execution>(&mut tx, &id).await.unwrap().unwrap();
        assert_eq!(store::replay::<Execution>(&mut tx, &id).await.unwrap(), Some(row.state));
    })
    .await;
}

#[tokio::test]
async fn rules_that_were_checked_come_in_pages_and_newest_alone() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let check = |name: &str| {
            rule(name, "VariableCheck", json!({"Variable": "#{Source.CommitId}", "Operator": "EQ", "Value": "x"}))
        };
        let declared = without_approval(|d| d["stages"][1]["beforeEntry"] = condition("FAIL", &[check("A"), check("B")]));
        world.create(declared).await.unwrap();
        world.perform().await;
        world.tick();
        let id = world.start(json!({})).await.unwrap();
        world.perform().await;
        world.tick();
        world.retry("Deploy", &id, "ALL_ACTIONS").await.unwrap();
        let ids = |page: &Value| {
            let details = page["ruleExecutionDetails"].as_array().unwrap().iter();
            details.map(|d| d["ruleExecutionId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let all = ids(&world.rule_executions(json!({})).await);
        assert_eq!(all.len(), 6);
        let (mut paged, mut token) = (Vec::new(), json!(null));
        loop {
            let page = world.rule_executions(json!({"maxResults": 1, "nextToken": token})).await;
            paged.extend(ids(&page));
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!(paged, all);
        let range = |range: &str| json!({"filter": {"latestInPipelineExecution": {"pipelineExecutionId": id, "startTimeRange": range}}});
        assert_eq!(ids(&world.rule_executions(range("All")).await), all[..4]);
        assert_eq!(ids(&world.rule_executions(range("Latest")).await), all[..2]);
        let bad = list_rule_executions(&world.cx, input(json!({"pipelineName": "demo", "nextToken": "x"}))).await;
        assert_eq!(code(bad), "InvalidNextTokenException");
        let gone = list_rule_executions(&world.cx, input(json!({"pipelineName": "gone"}))).await;
        assert_eq!(code(gone), "PipelineNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn the_rule_types_are_those_that_can_be_declared() {
    let world = world(store::testing::sqlite(machines()).await);
    let list =
        async |more: Value| json_of(&list_rule_types(&world.cx, input(more)).await.unwrap())["ruleTypes"].clone();
    let types = list(json!({})).await;
    let names: Vec<&str> = types.as_array().unwrap().iter().map(|t| t["id"]["provider"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["CloudWatchAlarm", "CodeBuild", "Commands", "DeploymentWindow", "LambdaInvoke", "VariableCheck"]
    );
    let keys = &types[3]["ruleConfigurationProperties"];
    assert_eq!(keys[0], json!({"name": "Cron", "required": true, "key": true, "secret": false, "type": "String"}));
    assert_eq!(types[1]["inputArtifactDetails"], json!({"minimumCount": 1, "maximumCount": 5}));
    assert_eq!(list(json!({"regionFilter": "us-east-1"})).await, json!([]));
}

#[tokio::test]
async fn a_skipped_stage_is_passed_and_says_so() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let check =
            rule("Docs", "VariableCheck", json!({"Variable": "#{Source.CommitId}", "Operator": "EQ", "Value": "x"}));
        let mut declared = declaration();
        declared["pipelineType"] = json!("V2");
        declared["stages"][1]["beforeEntry"] = condition("SKIP", &[check]);
        world.create(declared).await.unwrap();
        let id = world.first_execution().await;
        world.perform().await;
        assert_eq!(world.perform().await.len(), 1, "the deployment, without an approval");
        assert_eq!(world.execution(&id).await["status"], "Succeeded");
        let stage = world.state().await["stageStates"][1].clone();
        assert_eq!(stage["latestExecution"]["status"], "Skipped");
        assert_eq!(code(world.go_on("Approve", &id, "BEFORE_ENTRY").await), "ConditionNotOverridableException");
        assert_eq!(code(world.roll_back("Approve", &id).await), "UnableToRollbackStageException");
        assert_eq!(code(world.retry("Approve", &id, "ALL_ACTIONS").await), "StageNotRetryableException");
    })
    .await;
}
