//! Operations on both databases, with a clock that stands and ids that count.

use std::sync::Arc;
use std::time::Duration;

use base::{AccountId, ApiError, Clock, Event, Region, Scope, SequentialIds, Timestamp};
use engine::pipeline::{ActionEffect, ActionResult, Execution, ExecutionInput, Gates, Work};
use platform::{Caller, Cx, Disk, Principal, SealingKey, Site};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::testing::{TestStore, each_engine};
use store::{Machines, machine, outbox};

use super::*;

const DEMO: &str = "arn:aws:codepipeline:eu-west-1:123456789012:demo";

pub(super) struct World {
    pub(super) cx: Cx,
    test: TestStore,
}

pub(super) fn machines() -> Machines {
    Machines::new().with::<Gates>().with::<Execution>().with::<engine::job::Job>()
}

pub(super) fn world(test: TestStore) -> World {
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-west-1").unwrap() };
    let clock: Arc<dyn Clock> = test.clock.clone();
    let objects = store::objects::Objects::open(test.dir.path().join("objects"), Arc::new(SequentialIds::default()));
    let principal = Principal {
        arn: "arn:aws:iam::123456789012:user/ann".to_owned(),
        user_id: "AIDA".to_owned(),
        access_key: None,
        rights: None,
    };
    let cx = Cx {
        store: test.store.clone(),
        objects: objects.unwrap(),
        clock,
        ids: Arc::new(SequentialIds::default()),
        credentials: Arc::default(),
        caller: Caller { scope, principal, request_id: "r".to_owned(), source_ip: "127.0.0.1".to_owned() },
        site: Arc::new(Site {
            endpoint: "http://127.0.0.1:4566".to_owned(),
            loopback: Some("http://127.0.0.1:4566".to_owned()),
            front: None,
            data_dir: test.dir.path().to_owned(),
            disk: Arc::new(Disk::unwatched()),
            key: Arc::new(SealingKey::new(&[7; 32])),
            max_builds: None,
            max_executions: Some(50),
            // Roles that tests name need not exist.
            local_sources: Vec::new(),
            builds_in_place: false,
            test_mode: true,
            lenient_runtimes: false,
        }),
    };
    World { cx, test }
}

pub(super) fn input<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(super) fn json_of(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

pub(super) fn declaration() -> Value {
    let id = |category: &str, provider: &str| json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
    json!({
        "name": "demo",
        "roleArn": "arn:aws:iam::123456789012:role/p",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [{
                "name": "Src", "actionTypeId": id("Source", "CodeCommit"), "namespace": "Source",
                "configuration": {"RepositoryName": "repo", "BranchName": "main"}, "outputArtifacts": [{"name": "Src"}],
            }]},
            {"name": "Approve", "actions": [{
                "name": "Ok", "actionTypeId": id("Approval", "Manual"),
                "configuration": {"CustomData": "ship #{Source.CommitId}?", "ExternalEntityLink": "https://example/1"},
            }]},
            {"name": "Deploy", "actions": [{
                "name": "Put", "actionTypeId": id("Deploy", "S3"), "inputArtifacts": [{"name": "Src"}],
                "configuration": {"BucketName": "site", "Extract": "true"},
            }]},
        ],
    })
}

#[tokio::test]
async fn roles_that_are_not_there_are_refused_except_in_test_mode() {
    let mut world = world(store::testing::sqlite(machines()).await);
    Arc::make_mut(&mut world.cx.site).test_mode = false;
    let make = async |name: &str| {
        let trust = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{"Service":"codepipeline.amazonaws.com"}}}"#;
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
        platform::iam::create_role(&world.cx, input(role)).await.unwrap();
    };
    let refused = async |declaration: &Value| {
        let refused = world.create(declaration.clone()).await.unwrap_err();
        assert_eq!(refused.code, "InvalidStructureException");
        refused.message
    };
    let mut declaration = declaration();
    let arn = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let wording = |name: &str| format!("CodePipeline is not authorized to perform AssumeRole on role {}", arn(name));
    assert_eq!(refused(&declaration).await, wording("p"));
    for (name, trust) in [
        ("build", json!({"Principal": {"Service": "codebuild.amazonaws.com"}})),
        (
            "elsewhere",
            json!({"Principal": {"Service": "codepipeline.amazonaws.com"}, "Condition":
            {"StringEquals": {"aws:SourceAccount": "210987654321"}}}),
        ),
    ] {
        let mut statement = json!({"Effect": "Allow", "Action": "sts:AssumeRole"});
        statement.as_object_mut().unwrap().extend(trust.as_object().unwrap().clone());
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": json!({"Statement": statement}).to_string()});
        platform::iam::create_role(&world.cx, input(role)).await.unwrap();
        declaration["roleArn"] = json!(arn(name));
        assert_eq!(refused(&declaration).await, wording(name));
    }
    declaration["roleArn"] = json!("arn:aws:iam::210987654321:role/p");
    assert!(refused(&declaration).await.contains("not authorized to perform AssumeRole"));
    let guarded = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "codepipeline.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"},
            "ArnLike": {"aws:SourceArn": "arn:aws:codepipeline:*:123456789012:demo"}}}});
    let role = json!({"RoleName": "p", "AssumeRolePolicyDocument": guarded.to_string()});
    platform::iam::create_role(&world.cx, input(role)).await.unwrap();
    declaration["roleArn"] = json!(arn("p"));
    declaration["stages"][2]["actions"][0]["roleArn"] = json!(arn("deployer"));
    assert_eq!(refused(&declaration).await, wording("deployer"));
    make("deployer").await;
    world.create(declaration).await.unwrap();
}

impl World {
    pub(super) async fn create(&self, declaration: Value) -> Result<Value, ApiError> {
        create_pipeline(&self.cx, input(json!({"pipeline": declaration}))).await.map(|o| json_of(&o))
    }

    pub(super) async fn start(&self, more: Value) -> Result<String, ApiError> {
        let mut start = json!({"name": "demo"});
        start.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        start_pipeline_execution(&self.cx, input(start)).await.map(|o| o.pipeline_execution_id)
    }

    pub(super) async fn state(&self) -> Value {
        json_of(&get_pipeline_state(&self.cx, input(json!({"name": "demo"}))).await.unwrap())
    }

    pub(super) async fn execution(&self, id: &str) -> Value {
        let get = input(json!({"pipelineName": "demo", "pipelineExecutionId": id}));
        json_of(&get_pipeline_execution(&self.cx, get).await.unwrap())["pipelineExecution"].clone()
    }

    pub(super) async fn stop(&self, id: &str, abandon: bool) -> Result<(), ApiError> {
        let stop =
            json!({"pipelineName": "demo", "pipelineExecutionId": id, "abandon": abandon, "reason": "mind changed"});
        stop_pipeline_execution(&self.cx, input(stop)).await.map(|_| ())
    }

    pub(super) async fn approve(&self, token: &str, status: &str) -> Result<(), ApiError> {
        let put = json!({
            "pipelineName": "demo", "stageName": "Approve", "actionName": "Ok", "token": token,
            "result": {"summary": "seen", "status": status},
        });
        put_approval_result(&self.cx, input(put)).await.map(|_| ())
    }

    /// Performs the oldest effects as a driver would: each succeeds at once.
    pub(super) async fn perform(&self) -> Vec<Work> {
        let claimed = outbox::claim(&self.cx.store, "test", 10, Duration::from_secs(60)).await.unwrap();
        let mut done = Vec::new();
        for claimed in claimed {
            let ActionEffect::Run(run) = serde_json::from_value(claimed.effect.clone()).unwrap() else { continue };
            done.push(run.work.clone());
            let result: ActionResult = serde_json::from_value(json!({"Succeeded": {
                "external_execution_id": "8cf40f2", "summary": "a commit",
                "output_variables": {"CommitId": "8cf40f2"}, "output_artifacts": run.outputs,
                "revision": {"id": "8cf40f2", "summary": "a commit", "url": null, "created": null},
            }}))
            .unwrap();
            self.finish(claimed, result).await;
        }
        done
    }

    pub(super) async fn finish(&self, claimed: outbox::Claimed, result: ActionResult) {
        self.cx
            .store
            .write(move |tx| {
                let (claimed, result) = (claimed.clone(), result.clone());
                Box::pin(async move {
                    let finished = ExecutionInput::ActionFinished { key: claimed.key.clone(), result };
                    store::advance::<Execution>(tx, &claimed.machine_id, finished).await.unwrap();
                    outbox::finish(tx, &claimed).await
                })
            })
            .await
            .unwrap();
    }

    pub(super) async fn event(&self, event: Value, id: &str) {
        self.event_of(event, id, self.cx.now()).await;
    }

    /// Delivers an event of an earlier time.
    pub(super) async fn event_of(&self, event: Value, id: &str, time: Timestamp) {
        let event: Event = serde_json::from_value(event).unwrap();
        let (scope, id) = (self.cx.scope().clone(), id.to_owned());
        self.cx
            .store
            .write(move |tx| {
                let row = store::events::EventRow {
                    seq: 1,
                    id: id.clone(),
                    scope: scope.clone(),
                    time,
                    event: event.clone(),
                };
                Box::pin(async move { on_event(tx, &base::RandomIds, &row).await })
            })
            .await
            .unwrap();
    }

    pub(super) async fn executions(&self) -> Vec<Value> {
        let list = list_pipeline_executions(&self.cx, input(json!({"pipelineName": "demo"}))).await.unwrap();
        json_of(&list)["pipelineExecutionSummaries"].as_array().unwrap().clone()
    }

    /// Lets time pass and fires what is due, as the driver does.
    pub(super) async fn pass(&self, by: Duration) {
        self.test.clock.advance(by);
        let fire = self.cx.store.write(|tx| Box::pin(async move { store::timers::fire_due(tx, 100).await }));
        fire.await.unwrap();
    }

    pub(super) fn tick(&self) {
        self.advance(Duration::from_secs(1));
    }

    pub(super) fn advance(&self, time: Duration) {
        self.test.clock.advance(time);
    }
}

pub(super) fn code<T>(result: Result<T, ApiError>) -> &'static str {
    result.err().map_or("no error", |e| e.code)
}

#[tokio::test]
async fn a_new_pipeline_starts_and_goes_through_approval_to_its_end() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let created = world.create(declaration()).await.unwrap();
        assert_eq!(created["pipeline"]["version"], 1);
        assert_eq!(created["pipeline"]["executionMode"], "SUPERSEDED");
        assert_eq!(created["pipeline"]["stages"][0]["actions"][0]["runOrder"], 1);
        let id = world.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
        let source =
            Work::CodeCommitSource { repository: "repo".into(), branch: "main".into(), commit: None, clone_ref: false };
        assert_eq!(world.perform().await, [source]);

        let state = world.state().await;
        let approval = &state["stageStates"][1]["actionStates"][0];
        assert_eq!(approval["latestExecution"]["status"], "InProgress");
        assert_eq!(approval["entityUrl"], "https://example/1");
        assert_eq!(state["stageStates"][0]["actionStates"][0]["currentRevision"]["revisionId"], "8cf40f2");
        assert_eq!(state["stageStates"][1]["latestExecution"]["pipelineExecutionId"], id);
        let token = approval["latestExecution"]["token"].as_str().unwrap();

        let wrong = "00000000-0000-0000-0000-000000000000";
        assert_eq!(code(world.approve(wrong, "Approved").await), "InvalidApprovalTokenException");
        world.approve(token, "Approved").await.unwrap();
        assert_eq!(code(world.approve(token, "Rejected").await), "ApprovalAlreadyCompletedException");
        assert_eq!(world.perform().await.len(), 1);

        let execution = world.execution(&id).await;
        assert_eq!(execution["status"], "Succeeded");
        assert_eq!(
            execution["trigger"],
            json!({"triggerType": "CreatePipeline", "triggerDetail": "arn:aws:iam::123456789012:user/ann"})
        );
        assert_eq!(
            execution["artifactRevisions"][0],
            json!({"name": "Src", "revisionId": "8cf40f2", "revisionSummary": "a commit"})
        );

        let actions = list_action_executions(&world.cx, input(json!({"pipelineName": "demo"}))).await.unwrap();
        let actions = json_of(&actions)["actionExecutionDetails"].clone();
        let names: Vec<&str> = actions.as_array().unwrap().iter().map(|a| a["actionName"].as_str().unwrap()).collect();
        assert_eq!(names, ["Put", "Ok", "Src"]);
        assert_eq!(actions[1]["input"]["resolvedConfiguration"]["CustomData"], "ship 8cf40f2?");
        assert_eq!(actions[1]["updatedBy"], "arn:aws:iam::123456789012:user/ann");
        assert_eq!(actions[2]["output"]["outputVariables"]["CommitId"], "8cf40f2");
        let key = actions[2]["output"]["outputArtifacts"][0]["s3location"]["key"].as_str().unwrap();
        assert!(key.starts_with("demo/Src/"), "{key}");

        let mut tx = world.cx.store.read().await.unwrap();
        let row = machine::get::<Execution>(&mut tx, &id).await.unwrap().unwrap();
        assert_eq!(store::replay::<Execution>(&mut tx, &id).await.unwrap(), Some(row.state));
    })
    .await;
}

#[tokio::test]
async fn names_are_unique_and_versions_are_kept() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        assert_eq!(code(world.create(declaration()).await), "PipelineNameInUseException");
        let mut next = declaration();
        next["stages"].as_array_mut().unwrap().pop();
        let updated = update_pipeline(&world.cx, input(json!({"pipeline": next}))).await.unwrap();
        assert_eq!(updated.pipeline.version, Some(2));
        for (version, stages) in [(json!(null), 2), (json!(2), 2), (json!(1), 3)] {
            let got = get_pipeline(&world.cx, input(json!({"name": "demo", "version": version}))).await.unwrap();
            assert_eq!(got.pipeline.stages.len(), stages);
            assert_eq!(got.metadata.pipeline_arn, DEMO);
        }
        let get = |name: &str, version: u32| get_pipeline(&world.cx, input(json!({"name": name, "version": version})));
        assert_eq!(code(get("demo", 3).await), "PipelineVersionNotFoundException");
        assert_eq!(code(get("nope", 1).await), "PipelineNotFoundException");
        let execution = &world.executions().await[0];
        assert_eq!(execution["status"], "InProgress");
        world.perform().await;
        assert_eq!(world.executions().await[0]["status"], "Cancelled");
    })
    .await;
}

#[tokio::test]
async fn a_bad_declaration_leaves_nothing_behind() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let mut bad = declaration();
        bad["stages"][2]["actions"][0]["inputArtifacts"] = json!([{"name": "Nope"}]);
        assert_eq!(code(world.create(bad).await), "InvalidActionDeclarationException");
        let list = list_pipelines(&world.cx, Default::default()).await.unwrap();
        assert!(list.pipelines.is_empty());
    })
    .await;
}

#[tokio::test]
async fn one_token_starts_one_execution() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        world.tick();
        let first = world.start(json!({"clientRequestToken": "t1"})).await.unwrap();
        assert_eq!(world.start(json!({"clientRequestToken": "t1"})).await.unwrap(), first);
        assert_ne!(world.start(json!({"clientRequestToken": "t2"})).await.unwrap(), first);
        assert_eq!(world.executions().await.len(), 3);
        assert_eq!(world.execution(&first).await["status"], "Superseded");
    })
    .await;
}

#[tokio::test]
async fn starts_with_one_token_that_come_at_once_start_one_execution() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        let before = world.executions().await.len();
        let start = || world.start(json!({"clientRequestToken": "t"}));
        let started = tokio::join!(start(), start(), start());
        let started = [started.0, started.1, started.2].map(Result::unwrap);
        assert!(started.iter().all(|id| *id == started[0]), "{started:?}");
        assert_eq!(world.executions().await.len(), before + 1);
    })
    .await;
}

#[tokio::test]
async fn source_revisions_and_variables_are_checked_and_used() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let mut declared = declaration();
        declared["pipelineType"] = json!("V2");
        declared["variables"] = json!([{"name": "TARGET"}]);
        world.create(declared).await.unwrap();
        world.perform().await;
        assert_eq!(code(world.start(json!({})).await), "ValidationException");
        assert_eq!(code(world.start(json!({"variables": [{"name": "X", "value": "1"}]})).await), "ValidationException");
        let revision =
            |kind: &str, value: &str| json!([{"actionName": "Src", "revisionType": kind, "revisionValue": value}]);
        let variables = json!([{"name": "TARGET", "value": "prod"}]);
        let wrong = json!({"variables": variables, "sourceRevisions": revision("IMAGE_DIGEST", "x")});
        assert_eq!(code(world.start(wrong).await), "ValidationException");
        let id = world
            .start(json!({"variables": variables, "sourceRevisions": revision("COMMIT_ID", "abc")}))
            .await
            .unwrap();
        assert_eq!(world.execution(&id).await["variables"], json!([{"name": "TARGET", "resolvedValue": "prod"}]));
        let source = Work::CodeCommitSource {
            repository: "repo".into(),
            branch: "main".into(),
            commit: Some("abc".into()),
            clone_ref: false,
        };
        assert_eq!(world.perform().await, [source]);
    })
    .await;
}

#[tokio::test]
async fn stopping_a_finished_execution_is_refused() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        let id = world.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
        world.stop(&id, false).await.unwrap();
        assert_eq!(world.execution(&id).await["status"], "Stopping");
        assert_eq!(code(world.stop(&id, false).await), "DuplicatedStopRequestException");
        world.stop(&id, true).await.unwrap();
        assert_eq!(world.execution(&id).await["status"], "Stopped");
        assert_eq!(world.execution(&id).await["statusSummary"], "mind changed");
        assert_eq!(code(world.stop(&id, true).await), "PipelineExecutionNotStoppableException");
        assert_eq!(world.executions().await[0]["stopTrigger"]["reason"], "mind changed");
    })
    .await;
}

#[tokio::test]
async fn a_closed_transition_holds_an_execution_until_it_opens() {
    each_engine(machines(), |test| async move {
    let world = world(test);
    world.create(declaration()).await.unwrap();
    let change = |stage: &str| json!({"pipelineName": "demo", "stageName": stage, "transitionType": "Inbound", "reason": "freeze"});
    assert_eq!(code(disable_stage_transition(&world.cx, input(change("Nope"))).await), "StageNotFoundException");
    disable_stage_transition(&world.cx, input(change("Approve"))).await.unwrap();
    world.perform().await;
    let state = world.state().await;
    let stage = &state["stageStates"][1];
    assert_eq!(stage["inboundTransitionState"]["enabled"], false);
    assert_eq!(stage["inboundTransitionState"]["disabledReason"], "freeze");
    assert_eq!(stage["inboundTransitionState"]["lastChangedBy"], "arn:aws:iam::123456789012:user/ann");
    assert_eq!(stage["inboundExecution"]["status"], "InProgress");
    assert_eq!(stage.get("latestExecution"), None);
    enable_stage_transition(&world.cx, input(change("Approve"))).await.unwrap();
    let state = world.state().await;
    assert_eq!(state["stageStates"][1]["inboundTransitionState"]["enabled"], true);
    assert_eq!(state["stageStates"][1].get("inboundExecution"), None);
    assert_eq!(state["stageStates"][1]["latestExecution"]["status"], "InProgress");
    }).await;
}

#[tokio::test]
async fn a_push_starts_each_watching_pipeline_once_at_its_commit() {
    each_engine(machines(), |test| async move {
    let world = world(test);
    world.create(declaration()).await.unwrap();
    world.perform().await;
    let push = |branch: &str, event: &str| {
        json!({
            "source": "aws.codecommit", "detail-type": "CodeCommit Repository State Change",
            "resources": ["arn:aws:codecommit:eu-west-1:123456789012:repo"],
            "detail": {"event": event, "repositoryName": "repo", "referenceType": "branch", "referenceName": branch, "commitId": "abc"},
        })
    };
    world.tick();
    world.event(push("other", "referenceUpdated"), "1").await;
    world.event(push("main", "referenceDeleted"), "2").await;
    assert_eq!(world.executions().await.len(), 1);
    world.event(push("main", "referenceUpdated"), "3").await;
    world.event(push("main", "referenceUpdated"), "3").await;
    let executions = world.executions().await;
    assert_eq!(executions.len(), 2);
    assert_eq!(executions[0]["trigger"], json!({"triggerType": "PollForSourceChanges", "triggerDetail": "Src"}));
    let source =
        Work::CodeCommitSource { repository: "repo".into(), branch: "main".into(), commit: Some("abc".into()), clone_ref: false };
    assert_eq!(world.perform().await, [source]);
    }).await;
}

#[tokio::test]
async fn a_new_object_starts_the_pipeline_that_watches_it() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let mut declared = declaration();
        declared["stages"][0]["actions"][0]["actionTypeId"]["provider"] = json!("S3");
        declared["stages"][0]["actions"][0]["configuration"] =
            json!({"S3Bucket": "src", "S3ObjectKey": "app.zip", "PollForSourceChanges": "false"});
        declared["stages"][1]["actions"][0]["configuration"] = json!({});
        world.create(declared).await.unwrap();
        world.perform().await;
        world.tick();
        let object = json!({
            "source": "aws.s3", "detail-type": "Object Created", "resources": ["arn:aws:s3:::src"],
            "detail": {"bucket": {"name": "src"}, "object": {"key": "app.zip", "version-id": "v7"}},
        });
        world.event(object, "1").await;
        let executions = world.executions().await;
        assert_eq!(
            executions[0]["trigger"],
            json!({"triggerType": "CloudWatchEvent", "triggerDetail": "arn:aws:s3:::src"})
        );
        let source = Work::S3Source { bucket: "src".into(), key: "app.zip".into(), version: Some("v7".into()) };
        assert_eq!(world.perform().await, [source]);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_pipeline_takes_its_executions_out_of_sight() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        let id = world.executions().await[0]["pipelineExecutionId"].as_str().unwrap().to_owned();
        delete_pipeline(&world.cx, input(json!({"name": "demo"}))).await.unwrap();
        delete_pipeline(&world.cx, input(json!({"name": "demo"}))).await.unwrap();
        let mut tx = world.cx.store.read().await.unwrap();
        let row = machine::get::<Execution>(&mut tx, &id).await.unwrap().unwrap();
        assert!(row.state.is_ended());
        drop(tx);
        world.tick();
        world.create(declaration()).await.unwrap();
        assert_eq!(world.executions().await.len(), 1);
        let get = json!({"pipelineName": "demo", "pipelineExecutionId": id});
        assert_eq!(code(get_pipeline_execution(&world.cx, input(get)).await), "PipelineExecutionNotFoundException");
    })
    .await;
}

#[tokio::test]
async fn lists_come_in_pages() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        for _ in 0..4 {
            world.tick();
            world.start(json!({})).await.unwrap();
            world.perform().await;
        }
        let all: Vec<Value> = world.executions().await.iter().map(|e| e["pipelineExecutionId"].clone()).collect();
        let (mut paged, mut actions, mut token) = (Vec::new(), Vec::new(), json!(null));
        loop {
            let list = json!({"pipelineName": "demo", "maxResults": 2, "nextToken": token});
            let page = json_of(&list_pipeline_executions(&world.cx, input(list)).await.unwrap());
            let ids = page["pipelineExecutionSummaries"].as_array().unwrap().iter();
            paged.extend(ids.map(|e| e["pipelineExecutionId"].clone()));
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!(paged, all);
        loop {
            let list = json!({"pipelineName": "demo", "maxResults": 2, "nextToken": token});
            let page = json_of(&list_action_executions(&world.cx, input(list)).await.unwrap());
            actions.extend(
                page["actionExecutionDetails"].as_array().unwrap().iter().map(|a| a["actionExecutionId"].clone()),
            );
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        let whole = json_of(&list_action_executions(&world.cx, input(json!({"pipelineName": "demo"}))).await.unwrap());
        let whole = whole["actionExecutionDetails"].as_array().unwrap().iter().map(|a| a["actionExecutionId"].clone());
        assert_eq!(actions, whole.collect::<Vec<_>>());
        let two = json!({"pipelineExecutionId": all[0], "latestInPipelineExecution": {"pipelineExecutionId": all[1], "startTimeRange": "Latest"}});
        let two = json!({"pipelineName": "demo", "filter": two});
        assert_eq!(code(list_action_executions(&world.cx, input(two.clone())).await), "ValidationException");
        assert_eq!(code(list_rule_executions(&world.cx, input(two)).await), "ValidationException");
        let bad = list_pipeline_executions(&world.cx, input(json!({"pipelineName": "demo", "nextToken": "x"}))).await;
        assert_eq!(code(bad), "InvalidNextTokenException");
        let filter = json!({"pipelineName": "demo", "filter": {"succeededInStage": {"stageName": "Deploy"}}});
        let none = list_pipeline_executions(&world.cx, input(filter)).await.unwrap();
        assert!(none.pipeline_execution_summaries.is_empty());
    })
    .await;
}

#[tokio::test]
async fn tags_are_added_listed_and_removed() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        let tag = |key: &str| json!({"resourceArn": DEMO, "tags": [{"key": key, "value": "1"}]});
        tag_resource(&world.cx, input(tag("a"))).await.unwrap();
        tag_resource(&world.cx, input(tag("b"))).await.unwrap();
        assert_eq!(code(tag_resource(&world.cx, input(tag("aws:x"))).await), "InvalidTagsException");
        untag_resource(&world.cx, input(json!({"resourceArn": DEMO, "tagKeys": ["a", "z"]}))).await.unwrap();
        let list = list_tags_for_resource(&world.cx, input(json!({"resourceArn": DEMO}))).await.unwrap();
        assert_eq!(json_of(&list), json!({"tags": [{"key": "b", "value": "1"}]}));
        let other = json!({"resourceArn": "arn:aws:codepipeline:eu-west-1:123456789012:nope"});
        assert_eq!(code(list_tags_for_resource(&world.cx, input(other)).await), "ResourceNotFoundException");
    })
    .await;
}
