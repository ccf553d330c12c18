//! Custom action types, their jobs, and the workers that poll for them.

use std::sync::Arc;
use std::time::Duration;

use base::ApiError;
use engine::pipeline::{ActionEffect, Execution, ExecutionState, NewExecution, Work};
use platform::SealingKey;
use serde_json::{Value, json};
use store::machine::NewMachine;
use store::tables::sts_session;
use store::testing::each_engine;
use store::{machine, outbox, timers};

use super::tests::*;
use super::*;

fn property(name: &str, required: bool, secret: bool, queryable: bool) -> Value {
    json!({"name": name, "required": required, "key": true, "secret": secret, "queryable": queryable})
}

fn action_type(category: &str, version: &str) -> Value {
    let (inputs, outputs) = if category == "Source" { (0, 1) } else { (1, 2) };
    json!({
        "category": category, "provider": "Mine", "version": version,
        "settings": {
            "entityUrlTemplate": "https://x/{Config:Place}",
            "executionUrlTemplate": "https://x/{Config:Place}/{ExternalExecutionId}",
            "revisionUrlTemplate": "https://x/{Config:Place}/at/{RevisionId}",
        },
        "configurationProperties": [
            property("Place", true, false, true), property("Token", false, true, false),
        ],
        "inputArtifactDetails": {"minimumCount": inputs, "maximumCount": inputs},
        "outputArtifactDetails": {"minimumCount": 0, "maximumCount": outputs},
    })
}

fn id_of(category: &str) -> Value {
    json!({"category": category, "owner": "Custom", "provider": "Mine", "version": "1"})
}

fn pipeline() -> Value {
    let mut declaration = declaration();
    declaration["stages"][0]["actions"][0] = json!({
        "name": "Src", "actionTypeId": id_of("Source"), "namespace": "Source",
        "configuration": {"Place": "here"}, "outputArtifacts": [{"name": "Src"}],
    });
    declaration["stages"][1] = json!({"name": "Build", "actions": [{
        "name": "Make", "actionTypeId": id_of("Build"), "namespace": "Made",
        "configuration": {"Place": "there", "Token": "hunter2"},
        "inputArtifacts": [{"name": "Src"}], "outputArtifacts": [{"name": "Out"}],
    }]});
    declaration
}

impl World {
    async fn register(&self) {
        for category in ["Source", "Build"] {
            create_custom_action_type(&self.cx, input(action_type(category, "1"))).await.unwrap();
        }
    }

    /// Queues the jobs that executions ask for, as the driver does, and takes back those that they do not want.
    async fn drive(&self) {
        for claimed in outbox::claim(&self.cx.store, "test", 10, Duration::from_secs(60)).await.unwrap() {
            let run = match serde_json::from_value(claimed.effect.clone()).unwrap() {
                ActionEffect::Run(run) => run,
                ActionEffect::Cancel(cancel) => {
                    cancel_jobs(&self.cx, &cancel.key).await.unwrap();
                    continue;
                }
                ActionEffect::RollBack(_) => panic!("nothing is rolled back"),
            };
            if !matches!(run.work, Work::Worker { .. }) {
                continue;
            }
            let scope = self.cx.scope().clone();
            let queued = self.cx.store.write(move |tx| {
                let (claimed, run, scope) = (claimed.clone(), run.clone(), scope.clone());
                Box::pin(async move {
                    let row = machine::get::<Execution>(tx, &claimed.machine_id).await?.unwrap();
                    queue_job(tx, &scope, &claimed.key, (*run).clone(), &row.state).await?;
                    // Whoever asks again makes nothing.
                    queue_job(tx, &scope, &claimed.key, *run, &row.state).await?;
                    outbox::finish(tx, &claimed).await?;
                    Ok::<_, ApiError>(())
                })
            });
            queued.await.unwrap();
        }
    }

    async fn poll(&self, category: &str) -> Vec<Value> {
        self.poll_in(category, if category == "Source" { "here" } else { "there" }).await
    }

    async fn poll_in(&self, category: &str, place: &str) -> Vec<Value> {
        let poll = json!({"actionTypeId": id_of(category), "maxBatchSize": 5, "queryParam": {"Place": place}});
        let jobs = json_of(&poll_for_jobs(&self.cx, input(poll)).await.unwrap());
        jobs["jobs"].as_array().unwrap().clone()
    }

    async fn acknowledge(&self, job: &Value) -> Result<&'static str, ApiError> {
        let input = input(json!({"jobId": job["id"], "nonce": job["nonce"]}));
        acknowledge_job(&self.cx, input).await.map(|o| o.status)
    }

    async fn succeed(&self, job: &Value, more: Value) -> Result<(), ApiError> {
        let mut put = json!({"jobId": job["id"]});
        put.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        put_job_success_result(&self.cx, input(put)).await.map(|_| ())
    }

    async fn delete_type(&self, category: &str) {
        let delete = json!({"category": category, "provider": "Mine", "version": "1"});
        delete_custom_action_type(&self.cx, input(delete)).await.unwrap();
    }

    /// Whether the credentials in a job's data still count.
    async fn may_work(&self, data: &Value) -> bool {
        let key = data["artifactCredentials"]["accessKeyId"].as_str().unwrap();
        sts_session::get(&mut self.cx.store.read().await.unwrap(), key).await.unwrap().is_some()
    }

    async fn put_revision(&self, pipeline: &str, revision: &str) -> Result<(bool, String), ApiError> {
        let revision = json!({"revisionId": revision, "revisionChangeId": "1", "created": "2026-01-01T00:00:00Z"});
        let put =
            json!({"pipelineName": pipeline, "stageName": "Source", "actionName": "Src", "actionRevision": revision});
        put_action_revision(&self.cx, input(put)).await.map(|o| (o.new_revision, o.pipeline_execution_id))
    }

    async fn fail_job(&self, job: &Value) -> Result<(), ApiError> {
        let put = json!({"jobId": job["id"], "failureDetails": {"type": "ConfigurationError", "message": "no place"}});
        put_job_failure_result(&self.cx, input(put)).await.map(|_| ())
    }

    async fn fire(&self) {
        let fired = self.cx.store.write(|tx| Box::pin(async move { timers::fire_due(tx, 10).await }));
        fired.await.unwrap();
    }

    /// A pipeline whose source job has succeeded; its build job waits.
    async fn until_build(&self) {
        self.register().await;
        self.until_build_of(pipeline(), "42").await;
    }

    /// The same of any pipeline whose types are registered, with this answer of its source.
    async fn until_build_of(&self, declaration: Value, answer: &str) {
        self.create(declaration).await.unwrap();
        self.drive().await;
        let job = self.poll("Source").await.remove(0);
        self.acknowledge(&job).await.unwrap();
        let revision = json!({"revision": "r7", "changeIdentifier": "c7", "revisionSummary": "seven"});
        self.succeed(&job, json!({"currentRevision": revision, "outputVariables": {"Answer": answer}})).await.unwrap();
        self.drive().await;
    }
}

#[tokio::test]
async fn a_type_is_registered_listed_deleted_and_comes_back_only_as_it_was() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let create = async |value: Value| create_custom_action_type(&world.cx, input(value)).await;
        let made = json_of(&create(action_type("Build", "1")).await.unwrap());
        assert_eq!(made["actionType"]["id"], id_of("Build"));
        assert_eq!(code(create(action_type("Build", "1")).await), "ValidationException");
        let list = async |filter: Value| json_of(&list_action_types(&world.cx, input(filter)).await.unwrap());
        let owned = list(json!({"actionOwnerFilter": "Custom"})).await;
        assert_eq!(owned["actionTypes"], json!([made["actionType"]]));
        let elsewhere = list(json!({"regionFilter": "us-east-1"})).await;
        let elsewhere: Vec<&Value> = elsewhere["actionTypes"].as_array().unwrap().iter().map(|t| &t["id"]).collect();
        assert!(elsewhere.iter().any(|id| id["provider"] == "CodeBuild"), "what a cross-region action can be");
        assert!(elsewhere.iter().all(|id| id["category"] != "Source" && id["owner"] == "AWS"), "{elsewhere:?}");
        let nowhere = list_action_types(&world.cx, input(json!({"regionFilter": "no where"}))).await;
        assert_eq!(code(nowhere), "ValidationException");
        let all = list(json!({})).await;
        assert!(all["actionTypes"].as_array().unwrap().iter().any(|t| t["id"]["provider"] == "CodeBuild"));

        let delete = json!({"category": "Build", "provider": "Mine", "version": "1"});
        delete_custom_action_type(&world.cx, input(delete.clone())).await.unwrap();
        delete_custom_action_type(&world.cx, input(delete)).await.unwrap();
        assert_eq!(list(json!({"actionOwnerFilter": "Custom"})).await["actionTypes"], json!([]));
        let mut other = action_type("Build", "1");
        other["outputArtifactDetails"]["maximumCount"] = json!(1);
        let again = create(other).await.unwrap_err();
        assert!(again.message.contains("was deleted, and comes back only just as it was"), "{again}");
        create(action_type("Build", "2")).await.unwrap();
        let mut restored = action_type("Build", "1");
        restored["tags"] = json!([{"key": "again", "value": "yes"}]);
        assert_eq!(json_of(&create(restored).await.unwrap())["tags"][0]["key"], "again");
        assert_eq!(list(json!({"actionOwnerFilter": "Custom"})).await["actionTypes"][0], made["actionType"]);
        let delete = json!({"category": "Build", "provider": "Mine", "version": "1"});
        delete_custom_action_type(&world.cx, input(delete)).await.unwrap();
        let poll = poll_for_jobs(&world.cx, input(json!({"actionTypeId": id_of("Build")}))).await;
        assert_eq!(code(poll), "ActionTypeNotFoundException");
        let refused = world.create(pipeline()).await.unwrap_err();
        assert_eq!(refused.code, "InvalidActionDeclarationException");
    })
    .await;
}

#[tokio::test]
async fn a_worker_takes_a_job_and_its_words_become_the_actions() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.until_build().await;
        let job = world.poll("Build").await.remove(0);
        let data = &job["data"];
        assert_eq!(data["actionConfiguration"]["configuration"], json!({"Place": "there", "Token": "hunter2"}));
        assert_eq!(data["pipelineContext"]["stage"]["name"], "Build");
        assert_eq!(data["inputArtifacts"][0]["revision"], "r7");
        assert_eq!(data["outputArtifacts"][0]["location"]["s3Location"]["bucketName"], "artifacts");
        assert!(data["artifactCredentials"]["sessionToken"].as_str().unwrap().len() > 20);

        assert_eq!(world.acknowledge(&job).await.unwrap(), "InProgress");
        let details = get_job_details(&world.cx, input(json!({"jobId": job["id"]}))).await.unwrap();
        assert_eq!(json_of(&details)["jobDetails"]["data"]["continuationToken"], Value::Null);
        let more = json!({"externalExecutionId": "77", "summary": "half done", "percentComplete": 50});
        let revision = json!({"revision": "r8", "changeIdentifier": "c8"});
        for early in [json!({"outputVariables": {"A": "1"}}), json!({"currentRevision": revision})] {
            let (member, value) = early.as_object().unwrap().iter().next().unwrap();
            let refused = world.succeed(&job, json!({"continuationToken": "half", member: value})).await.unwrap_err();
            assert!(refused.message.contains("only when there is no continuation token"), "{refused}");
        }
        world.succeed(&job, json!({"continuationToken": "half", "executionDetails": more})).await.unwrap();
        let state = &world.state().await["stageStates"][1]["actionStates"][0];
        assert_eq!(state["latestExecution"]["externalExecutionUrl"], "https://x/there/77");
        assert_eq!(state["latestExecution"]["summary"], "half done");
        assert_eq!(state["latestExecution"]["percentComplete"], 50);
        assert_eq!(state["entityUrl"], "https://x/there");

        let next = world.poll("Build").await.remove(0);
        assert_ne!(next["id"], job["id"]);
        assert_eq!(next["data"]["continuationToken"], "half");
        assert_eq!(code(world.succeed(&job, json!({})).await), "InvalidJobStateException");
        world.acknowledge(&next).await.unwrap();
        world.succeed(&next, json!({"executionDetails": {"summary": "done"}})).await.unwrap();
        assert_eq!(code(world.succeed(&next, json!({})).await), "InvalidJobStateException");
        let state = &world.state().await["stageStates"][1]["actionStates"][0]["latestExecution"];
        assert_eq!((&state["status"], &state["summary"]), (&json!("Succeeded"), &json!("done")));
        let source = &world.state().await["stageStates"][0]["actionStates"][0];
        assert_eq!(source["revisionUrl"], "https://x/here/at/r7");
        let current = &source["currentRevision"];
        assert_eq!((&current["revisionId"], &current["revisionChangeId"]), (&json!("r7"), &json!("c7")));
        assert_eq!(world.perform().await.len(), 1, "the deployment is next");
    })
    .await;
}

#[tokio::test]
async fn a_job_goes_to_one_worker_and_back_into_the_queue_when_that_says_nothing() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.until_build().await;
        let (one, two) = tokio::join!(world.poll("Build"), world.poll("Build"));
        assert_eq!(one.len() + two.len(), 1, "two that ask at once get one job");
        let first = one.into_iter().chain(two).next().unwrap();
        assert_eq!(code(world.succeed(&first, json!({})).await), "InvalidJobStateException");
        world.advance(Duration::from_secs(61));
        world.fire().await;
        let second = world.poll("Build").await.remove(0);
        assert_eq!(first["id"], second["id"]);
        assert_ne!(first["nonce"], second["nonce"]);
        assert_eq!(code(world.acknowledge(&first).await), "InvalidNonceException");
        world.acknowledge(&second).await.unwrap();
        assert_eq!(code(world.acknowledge(&first).await), "InvalidNonceException");
        world.advance(Duration::from_secs(3600));
        world.fire().await;
        assert_eq!(world.poll("Build").await, Vec::<Value>::new(), "what was acknowledged stays the worker's");
        world.fail_job(&second).await.unwrap();
        let state = &world.state().await["stageStates"][1]["actionStates"][0]["latestExecution"];
        assert_eq!(state["errorDetails"], json!({"code": "ConfigurationError", "message": "no place"}));
    })
    .await;
}

#[tokio::test]
async fn jobs_are_found_by_the_queryable_property_and_by_no_other() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.until_build().await;
        let poll = async |query: Value| {
            let poll = json!({"actionTypeId": id_of("Build"), "queryParam": query});
            poll_for_jobs(&world.cx, input(poll)).await.map(|o| o.jobs.len())
        };
        assert_eq!(poll(json!({"Place": "elsewhere"})).await.unwrap(), 0);
        assert_eq!(code(poll(json!({"Token": "hunter2"})).await), "ValidationException");
        let all = poll(json!({})).await.unwrap_err();
        assert!(all.message.contains("queryParam must have a value for 'Place'"), "{all}");
        assert_eq!(poll(json!({"Place": "there"})).await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_action_type_has_tags_until_it_is_deleted() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.register().await;
        let arn = "arn:aws:codepipeline:eu-west-1:123456789012:actiontype:Custom/Build/Mine/1";
        let list = async || {
            let listed = list_tags_for_resource(&world.cx, input(json!({"resourceArn": arn}))).await;
            listed.map(|o| serde_json::to_value(&o).unwrap()["tags"].clone())
        };
        let tag = json!({"resourceArn": arn, "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]});
        tag_resource(&world.cx, input(tag)).await.unwrap();
        untag_resource(&world.cx, input(json!({"resourceArn": arn, "tagKeys": ["a"]}))).await.unwrap();
        assert_eq!(list().await.unwrap(), json!([{"key": "b", "value": "2"}]));
        for wrong in ["Custom/Build/Mine", "AWS/Build/Mine/1", "Custom/Build/Mine/1/2"] {
            let arn = format!("arn:aws:codepipeline:eu-west-1:123456789012:actiontype:{wrong}");
            let listed = list_tags_for_resource(&world.cx, input(json!({"resourceArn": arn}))).await;
            assert_eq!(code(listed), "InvalidArnException", "{wrong}");
        }
        let delete = json!({"category": "Build", "provider": "Mine", "version": "1"});
        delete_custom_action_type(&world.cx, input(delete)).await.unwrap();
        assert_eq!(code(list().await), "ResourceNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn what_is_stopped_or_withdrawn_takes_no_result() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.until_build().await;
        let job = world.poll("Build").await.remove(0);
        world.acknowledge(&job).await.unwrap();
        let id = world.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
        world.stop(&id, true).await.unwrap();
        world.drive().await;
        assert_eq!(code(world.succeed(&job, json!({})).await), "InvalidJobStateException");
        let details = get_job_details(&world.cx, input(json!({"jobId": job["id"]}))).await;
        assert_eq!(code(details), "JobNotFoundException");

        world.start(json!({})).await.unwrap();
        world.drive().await;
        let delete = json!({"category": "Source", "provider": "Mine", "version": "1"});
        delete_custom_action_type(&world.cx, input(delete)).await.unwrap();
        let failed = &world.state().await["stageStates"][0]["actionStates"][0]["latestExecution"];
        assert_eq!(failed["errorDetails"]["code"], "ConfigurationError", "{failed}");
    })
    .await;
}

#[tokio::test]
async fn secrets_are_masked_everywhere_and_kept_on_update() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.until_build().await;
        let get = async || json_of(&get_pipeline(&world.cx, input(json!({"name": "demo"}))).await.unwrap());
        let declared = get().await["pipeline"].clone();
        assert_eq!(declared["stages"][1]["actions"][0]["configuration"]["Token"], "****");
        let runs = list_action_executions(&world.cx, input(json!({"pipelineName": "demo"}))).await.unwrap();
        assert!(!json_of(&runs).to_string().contains("hunter2"));
        assert_eq!(json_of(&runs)["actionExecutionDetails"][0]["input"]["resolvedConfiguration"]["Token"], "****");

        let updated = update_pipeline(&world.cx, input(json!({"pipeline": declared}))).await.unwrap();
        assert_eq!(json_of(&updated)["pipeline"]["stages"][1]["actions"][0]["configuration"]["Token"], "****");
        let job = world.poll("Build").await.remove(0);
        assert_eq!(job["data"]["actionConfiguration"]["configuration"]["Token"], "hunter2");

        let mut masked = pipeline();
        masked["name"] = json!("other");
        masked["stages"][1]["actions"][0]["configuration"]["Token"] = json!("****");
        let refused = world.create(masked.clone()).await.unwrap_err();
        assert!(refused.message.contains("no earlier value"), "{refused}");
        masked["stages"][1]["actions"][0]["configuration"]["Token"] = json!("headworks:sealed:AAAA");
        assert_eq!(code(world.create(masked).await), "ValidationException");
    })
    .await;
}

#[tokio::test]
async fn a_custom_source_starts_its_pipeline_once_for_each_revision() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.register().await;
        world.create(pipeline()).await.unwrap();
        let put = async |action: &str, revision: &str| {
            let revision = json!({"revisionId": revision, "revisionChangeId": "1", "created": "2026-01-01T00:00:00Z"});
            let stage = if action == "Src" { "Source" } else { "Build" };
            let put =
                json!({"pipelineName": "demo", "stageName": stage, "actionName": action, "actionRevision": revision});
            put_action_revision(&world.cx, input(put)).await
        };
        let one = put("Src", "r1").await.unwrap();
        let same = put("Src", "r1").await.unwrap();
        assert_eq!((one.new_revision, same.new_revision), (true, false));
        assert_eq!(one.pipeline_execution_id, same.pipeline_execution_id);
        assert!(put("Src", "r2").await.unwrap().new_revision);
        assert_eq!(code(put("Make", "r1").await), "ValidationException");
        assert_eq!(world.executions().await.len(), 3, "one by creation, one for each revision");
    })
    .await;
}

#[tokio::test]
async fn variables_that_are_too_long_are_refused_and_the_job_stays() {
    let world = world(store::testing::sqlite(machines()).await);
    world.until_build().await;
    let job = world.poll("Build").await.remove(0);
    world.acknowledge(&job).await.unwrap();
    let long = json!({"outputVariables": {"A": "x".repeat(122_880)}});
    assert_eq!(code(world.succeed(&job, long).await), "OutputVariablesSizeExceededException");
    world.succeed(&job, json!({"outputVariables": {"A": "x".repeat(1000)}})).await.unwrap();
}

#[tokio::test]
async fn a_value_that_only_looks_sealed_is_handed_out_as_it_is() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.register().await;
        let mut declaration = pipeline();
        declaration["stages"][1]["actions"][0]["configuration"]["Place"] = json!("#{Source.Answer}");
        world.until_build_of(declaration, "headworks:sealed:AAAA").await;
        let job = world.poll_in("Build", "headworks:sealed:AAAA").await.remove(0);
        let expected = json!({"Place": "headworks:sealed:AAAA", "Token": "hunter2"});
        assert_eq!(job["data"]["actionConfiguration"]["configuration"], expected);
    })
    .await;
}

#[tokio::test]
async fn a_job_whose_secrets_cannot_be_opened_fails_and_the_next_is_handed_out() {
    each_engine(machines(), |test| async move {
        let mut world = world(test);
        world.until_build().await;
        Arc::make_mut(&mut world.cx.site).key = Arc::new(SealingKey::new(&[8; 32]));
        let mut other = pipeline();
        other["name"] = json!("other");
        world.tick();
        world.until_build_of(other, "42").await;
        let jobs = world.poll("Build").await;
        let pipelines: Vec<&Value> = jobs.iter().map(|job| &job["data"]["pipelineContext"]["pipelineName"]).collect();
        assert_eq!(pipelines, ["other"]);
        let failed = &world.state().await["stageStates"][1]["actionStates"][0]["latestExecution"];
        assert_eq!(failed["errorDetails"]["code"], "ConfigurationError", "{failed}");
        assert!(failed["errorDetails"]["message"].as_str().unwrap().contains("cannot be opened"), "{failed}");
    })
    .await;
}

#[tokio::test]
async fn work_that_would_go_on_under_a_deleted_type_fails() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.until_build().await;
        let job = world.poll("Build").await.remove(0);
        world.acknowledge(&job).await.unwrap();
        world.delete_type("Build").await;
        let more = json!({"continuationToken": "half", "executionDetails": {"externalExecutionId": "77"}});
        world.succeed(&job, more).await.unwrap();
        let failed = &world.state().await["stageStates"][1]["actionStates"][0]["latestExecution"];
        assert_eq!(failed["errorDetails"]["code"], "ConfigurationError", "{failed}");
        assert_eq!(failed["externalExecutionId"], "77", "{failed}");
        assert_eq!(world.executions().await[0]["status"], "Failed");
    })
    .await;
}

#[tokio::test]
async fn credentials_end_when_the_job_goes_to_another_worker_or_is_withdrawn() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.until_build().await;
        let first = world.poll("Build").await.remove(0);
        let details = get_job_details(&world.cx, input(json!({"jobId": first["id"]}))).await.unwrap();
        let details = json_of(&details)["jobDetails"].clone();
        assert!(world.may_work(&first["data"]).await && world.may_work(&details["data"]).await);
        world.advance(Duration::from_secs(61));
        world.fire().await;
        let second = world.poll("Build").await.remove(0);
        assert_eq!(first["id"], second["id"]);
        assert!(!world.may_work(&first["data"]).await, "the first worker's");
        assert!(!world.may_work(&details["data"]).await, "those that the first worker asked for");
        assert!(world.may_work(&second["data"]).await, "the second worker's");
        world.delete_type("Build").await;
        assert!(!world.may_work(&second["data"]).await, "after the job was withdrawn");
    })
    .await;
}

#[tokio::test]
async fn a_revision_starts_no_more_than_a_user_could() {
    each_engine(machines(), |test| async move {
        let mut world = world(test);
        world.register().await;
        let mut queued = pipeline();
        queued["pipelineType"] = json!("V2");
        queued["executionMode"] = json!("QUEUED");
        world.create(queued.clone()).await.unwrap();
        Arc::make_mut(&mut world.cx.site).max_executions = Some(2);
        let (is_new, id) = world.put_revision("demo", "r1").await.unwrap();
        assert!(is_new);
        let more = world.put_revision("demo", "r2").await;
        assert_eq!(code(more), "ConcurrentPipelineExecutionsLimitExceededException");
        assert_eq!(world.put_revision("demo", "r1").await.unwrap(), (false, id), "what has begun is no new one");

        queued["name"] = json!("asking");
        queued["variables"] = json!([{"name": "who"}]);
        world.create(queued).await.unwrap();
        let refused = world.put_revision("asking", "r1").await.unwrap_err();
        assert!(refused.message.contains("'who' has no default value"), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn targets_are_looked_for_in_the_newest_executions_only() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        let scope = world.cx.scope().clone();
        let mut tx = world.cx.store.read().await.unwrap();
        let row = machine::list::<Execution>(&mut tx, &scope, None, None, 1, true).await.unwrap().remove(0);
        drop(tx);
        let asked = json!({"actionExecutionId": row.state.stages[0].actions[0].id});
        let list = async || code(list_deploy_action_execution_targets(&world.cx, input(asked.clone())).await);
        assert_eq!(list().await, "ValidationException");
        world.tick();
        let made = world.cx.store.write(move |tx| {
            let row = row.clone();
            Box::pin(async move {
                for n in 0..200 {
                    let id = format!("later-{n}");
                    let state = ExecutionState::new(NewExecution {
                        id: id.clone(),
                        scope: row.scope.clone(),
                        definition: row.state.definition.clone(),
                        trigger: row.state.trigger.clone(),
                        variables: Default::default(),
                        overrides: Vec::new(),
                        starters: Vec::new(),
                        salt: String::new(),
                    });
                    let (scope, parent) = (row.scope.clone(), row.parent.clone());
                    machine::create(tx, NewMachine::<Execution> { id, scope, parent, state }).await?;
                }
                Ok::<_, store::Error>(())
            })
        });
        made.await.unwrap();
        assert_eq!(list().await, "ActionExecutionNotFoundException");
    })
    .await;
}
