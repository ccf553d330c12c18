//! Batches, the queue and fleets, on both databases.

use engine::build::BuildInput;
use engine::build_batch::{BatchEffect, BatchInput, BuildBatch, SpecText};
use serde_json::{Value, json};
use store::testing::each_engine;
use store::{advance, machine, outbox};

use super::tests::{World, create, machines, start, state, world};
use super::*;

const ROLE: &str = "arn:aws:iam::123456789012:role/batch";

async fn start_batch(cx: &platform::Cx, change: Value) -> Result<Value, base::ApiError> {
    let mut input = json!({ "projectName": "demo" });
    for (member, value) in change.as_object().unwrap() {
        input[member] = value.clone();
    }
    start_build_batch(cx, serde_json::from_value(input).unwrap()).await.map(|output| output.build_batch)
}

/// What the driver would be asked to do for the batch, in order.
async fn effects(cx: &platform::Cx, id: &str) -> Vec<(String, BatchEffect)> {
    let mut tx = cx.store.read().await.unwrap();
    let claimed = outbox::of_machine(&mut tx, "build_batch", id).await.unwrap();
    claimed.into_iter().map(|c| (c.key, serde_json::from_value(c.effect).unwrap())).collect()
}

async fn tell(cx: &platform::Cx, id: &str, input: BatchInput) {
    let id = id.to_owned();
    cx.store
        .write(move |tx| {
            let (id, input) = (id.clone(), input.clone());
            Box::pin(async move {
                advance::<BuildBatch>(tx, &id, input).await.map(|_| ()).map_err(base::ApiError::internal)
            })
        })
        .await
        .unwrap();
}

async fn start_child(cx: &platform::Cx, id: &str, key: &str) {
    let (inner, id, key) = (cx.clone(), id.to_owned(), key.to_owned());
    cx.store
        .write(move |tx| {
            let (cx, id, key) = (inner.clone(), id.clone(), key.clone());
            Box::pin(async move { start_for_batch(tx, &cx, &id, &key).await })
        })
        .await
        .unwrap();
}

fn batch_project() -> Value {
    json!({ "buildBatchConfig": { "serviceRole": ROLE, "restrictions": { "maximumBuildsAllowed": 10 } } })
}

#[tokio::test]
async fn a_batch_reads_its_buildspec_and_starts_each_build_once() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, batch_project()).await.unwrap();
        let made = start_batch(&cx, json!({ "sourceVersion": "main" })).await.unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        assert_eq!(made["arn"], format!("arn:aws:codebuild:eu-west-1:123456789012:build-batch/{id}"));
        assert_eq!((&made["currentPhase"], &made["buildBatchNumber"]), (&json!("DOWNLOAD_BATCHSPEC"), &json!(1)));
        assert_eq!(made["buildBatchConfig"]["restrictions"]["maximumBuildsAllowed"], 10);
        let asked = effects(&cx, &id).await;
        let [(key, BatchEffect::ReadSpec { .. })] = asked.as_slice() else { panic!("{asked:?}") };
        let buildspec = "version: 0.2\nbatch: {build-graph: [{identifier: a}, {identifier: b, depend-on: [a]}]}\n\
                         phases: {build: {commands: [make]}}\n";
        let text = SpecText {
            buildspec: buildspec.to_owned(),
            resolved_version: Some("c0ffee".to_owned()),
            secondary_versions: Default::default(),
        };
        tell(&cx, &id, BatchInput::SpecRead { key: key.clone(), text }).await;
        let asked = effects(&cx, &id).await;
        let Some((key, BatchEffect::StartBuild { identifier })) = asked.last() else { panic!("{asked:?}") };
        assert_eq!((asked.len(), identifier.as_str()), (2, "a"));
        for _ in 0..2 {
            start_child(&cx, &id, key).await;
        }
        let ids = list_builds(&cx, list_builds::Input::default()).await.unwrap().ids;
        let [child] = ids.as_slice() else { panic!("{ids:?}") };
        let request = state(&cx, child).await.request;
        assert_eq!(request.source.version.as_deref(), Some("c0ffee"));
        assert_eq!(request.batch.as_ref().map(|b| b.identifier.as_str()), Some("a"));
        // The build ends before it begins, and the batch hears it in the same transaction.
        stop_build(&cx, stop_build::Input { id: child.clone() }).await.unwrap();
        let shown =
            batch_get_build_batches(&cx, batch_get_build_batches::Input { ids: vec![id.clone()] }).await.unwrap();
        let batch = &shown.build_batches[0];
        assert_eq!(batch["buildBatchStatus"], "FAILED");
        assert_eq!(batch["buildGroups"][0]["currentBuildSummary"]["buildStatus"], "STOPPED");
        assert!(batch["buildGroups"][1].get("currentBuildSummary").is_none());
        let retry = json!({ "id": id, "retryType": "RETRY_FAILED_BUILDS", "idempotencyToken": "t" });
        for _ in 0..2 {
            let again = retry_build_batch(&cx, serde_json::from_value(retry.clone()).unwrap()).await.unwrap();
            assert_eq!(again.build_batch["buildGroups"][0]["priorBuildSummaryList"].as_array().unwrap().len(), 1);
        }
        let running = delete_build_batch(&cx, delete_build_batch::Input { id: id.clone() }).await.unwrap_err();
        assert!(running.message.contains("in progress"), "{}", running.message);
        let retried = retry_build::Input { id: Some(child.clone()), idempotency_token: None };
        assert!(retry_build(&cx, retried).await.unwrap_err().message.contains("build-batch/"));
    })
    .await;
}

#[tokio::test]
async fn a_batch_needs_its_role_and_is_listed_by_status() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, json!({})).await.unwrap();
        let refused = start_batch(&cx, json!({})).await.unwrap_err();
        assert_eq!(refused.code, "InvalidInputException");
        assert!(refused.message.contains("serviceRole"), "{}", refused.message);
        let config = json!({ "serviceRole": ROLE });
        let mut ids = Vec::new();
        for _ in 0..3 {
            let made = start_batch(&cx, json!({ "buildBatchConfigOverride": config })).await.unwrap();
            ids.push(made["id"].as_str().unwrap().to_owned());
        }
        for _ in 0..2 {
            let stopped = stop_build_batch(&cx, stop_build_batch::Input { id: ids[0].clone() }).await.unwrap();
            assert_eq!(stopped.build_batch["buildBatchStatus"], "STOPPED");
        }
        let list = |filter: Option<&str>, token: Option<String>| {
            let input = json!({
                "projectName": "demo", "maxResults": 2, "sortOrder": "ASCENDING",
                "filter": filter.map(|status| json!({ "status": status })), "nextToken": token,
            });
            list_build_batches_for_project(&cx, serde_json::from_value(input).unwrap())
        };
        let first = list(None, None).await.unwrap();
        let second = list(None, first.next_token.clone()).await.unwrap();
        assert_eq!((first.ids.len(), second.ids.len(), second.next_token), (2, 1, None));
        assert_eq!(list(Some("STOPPED"), None).await.unwrap().ids, [ids[0].clone()]);
        assert_eq!(list(Some("IN_PROGRESS"), None).await.unwrap().ids.len(), 2);
        let unknown = stop_build_batch(&cx, stop_build_batch::Input { id: "demo:none".to_owned() }).await.unwrap_err();
        assert_eq!(unknown.code, "ResourceNotFoundException");
        let bad = json!({ "buildBatchConfigOverride": { "serviceRole": ROLE, "timeoutInMins": 1 } });
        assert!(start_batch(&cx, bad).await.unwrap_err().message.contains("timeoutInMins"));
        let token = json!({ "buildBatchConfigOverride": config, "idempotencyToken": "one" });
        let (a, b) = (start_batch(&cx, token.clone()).await.unwrap(), start_batch(&cx, token).await.unwrap());
        assert_eq!(a["id"], b["id"]);
    })
    .await;
}

#[tokio::test]
async fn builds_over_the_limit_of_their_project_wait_in_the_queue() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let inline = json!({ "type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: [make]}}\n" });
        let none = json!({ "type": "NO_ARTIFACTS" });
        create(&cx, json!({ "concurrentBuildLimit": 1, "source": inline, "artifacts": none })).await.unwrap();
        let id = |build: Value| build["id"].as_str().unwrap().to_owned();
        let first = id(start(&cx, json!({})).await.unwrap());
        let second = id(start(&cx, json!({})).await.unwrap());
        let third = id(start(&cx, json!({})).await.unwrap());
        let asked = |id: String| {
            let cx = cx.clone();
            async move {
                let mut tx = cx.store.read().await.unwrap();
                outbox::of_machine(&mut tx, "build", &id).await.unwrap().len()
            }
        };
        assert_eq!((asked(first.clone()).await, asked(second.clone()).await), (1, 0));
        stop_build(&cx, stop_build::Input { id: second.clone() }).await.unwrap();
        assert_eq!(state(&cx, &second).await.status_name(), "STOPPED");
        end(&cx, &first).await;
        assert_eq!(asked(third.clone()).await, 1, "the slot goes to the one that still waits");
        for bad in [json!({ "concurrentBuildLimit": 0 }), json!({ "autoRetryLimit": 11 })] {
            let input = json!({ "name": "other" }).as_object().unwrap().clone();
            let mut change = Value::Object(input);
            for (member, value) in bad.as_object().unwrap() {
                change[member] = value.clone();
            }
            assert_eq!(create(&cx, change).await.unwrap_err().code, "InvalidInputException");
        }
    })
    .await;
}

/// Lets a running build end, as its executor would say.
async fn end(cx: &platform::Cx, id: &str) {
    let key = format!("{}:run", id.rsplit(':').next().unwrap());
    let outcome = base::JobOutcome::NotStarted { reason: "a test ends it".to_owned() };
    let id = id.to_owned();
    cx.store
        .write(move |tx| {
            let (id, input) = (id.clone(), BuildInput::JobEnded { key: key.clone(), outcome: outcome.clone() });
            Box::pin(async move {
                let told = advance::<engine::build::Build>(tx, &id, input).await;
                told.map(|_| ()).map_err(base::ApiError::internal)
            })
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_build_that_fails_is_retried_once_however_often_it_is_asked_for() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let inline = json!({ "type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: [make]}}\n" });
        create(&cx, json!({ "autoRetryLimit": 1, "source": inline, "artifacts": { "type": "NO_ARTIFACTS" } }))
            .await
            .unwrap();
        let first = start(&cx, json!({})).await.unwrap();
        assert_eq!(first["autoRetryConfig"], json!({ "autoRetryLimit": 1, "autoRetryNumber": 0 }));
        let id = first["id"].as_str().unwrap().to_owned();
        end(&cx, &id).await;
        let ended = state(&cx, &id).await;
        let next = ended.next_auto_retry().unwrap();
        let uuid = next.rsplit(':').next().unwrap().to_owned();
        for _ in 0..2 {
            let (inner, id, uuid) = (cx.clone(), id.clone(), uuid.clone());
            cx.store
                .write(move |tx| {
                    let (cx, id, uuid) = (inner.clone(), id.clone(), uuid.clone());
                    Box::pin(async move { auto_retry(tx, &cx, &id, &uuid).await })
                })
                .await
                .unwrap();
        }
        let found = batch_get_builds(&cx, batch_get_builds::Input { ids: vec![next] }).await.unwrap().builds;
        assert_eq!(found[0]["autoRetryConfig"]["previousAutoRetry"], first["arn"]);
        assert_eq!((&found[0]["autoRetryConfig"]["autoRetryNumber"], &found[0]["buildNumber"]), (&json!(1), &json!(2)));
        let last = found[0]["id"].as_str().unwrap().to_owned();
        end(&cx, &last).await;
        assert_eq!(state(&cx, &last).await.next_auto_retry(), None);
        let mut tx = cx.store.read().await.unwrap();
        let builds =
            machine::positions::<engine::build::Build>(&mut tx, cx.scope(), None, None, 10, true).await.unwrap();
        assert_eq!(builds.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn fleets_are_named_listed_and_refused_by_name() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let fleet = |name: &str| {
            json!({
                "name": name, "baseCapacity": 1, "environmentType": "LINUX_CONTAINER",
                "computeType": "BUILD_GENERAL1_SMALL",
            })
        };
        let make = |input: Value| create_fleet(&cx, serde_json::from_value(input).unwrap());
        let made = make(fleet("blue")).await.unwrap().fleet;
        make(fleet("amber")).await.unwrap();
        assert_eq!(made["status"]["statusCode"], "ACTIVE");
        assert_eq!(make(fleet("blue")).await.unwrap_err().code, "ResourceAlreadyExistsException");
        let mut odd = fleet("odd");
        odd["environmentType"] = json!("WINDOWS_CONTAINER");
        assert!(make(odd).await.unwrap_err().message.contains("WINDOWS_CONTAINER"));
        let names = vec!["blue".to_owned(), made["arn"].as_str().unwrap().to_owned(), "none".to_owned()];
        let found = batch_get_fleets(&cx, batch_get_fleets::Input { names }).await.unwrap();
        assert_eq!((found.fleets.len(), found.fleets_not_found), (2, vec!["none".to_owned()]));
        let page = list_fleets::Input { max_results: Some(1), ..Default::default() };
        let first = list_fleets(&cx, page.clone()).await.unwrap();
        assert!(first.fleets[0].contains("fleet/amber:"), "{first:?}");
        let second = list_fleets(&cx, list_fleets::Input { next_token: first.next_token, ..page }).await.unwrap();
        assert_eq!((second.fleets, second.next_token), (vec![made["arn"].as_str().unwrap().to_owned()], None));
    })
    .await;
}

#[tokio::test]
async fn the_builds_of_a_pull_requests_batch_fill_no_caches() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, batch_project()).await.unwrap();
        let made = start_batch(&cx, json!({ "sourceVersion": "pr/7" })).await.unwrap();
        let id = made["id"].as_str().unwrap().to_owned();
        let asked = effects(&cx, &id).await;
        let [(key, BatchEffect::ReadSpec { .. })] = asked.as_slice() else { panic!("{asked:?}") };
        let text = SpecText {
            buildspec: "version: 0.2\nbatch: {build-list: [{identifier: a, buildspec: a.yml}]}\n".to_owned(),
            resolved_version: Some("c0ffee".to_owned()),
            secondary_versions: Default::default(),
        };
        tell(&cx, &id, BatchInput::SpecRead { key: key.clone(), text }).await;
        let asked = effects(&cx, &id).await;
        let Some((key, BatchEffect::StartBuild { .. })) = asked.last() else { panic!("{asked:?}") };
        start_child(&cx, &id, key).await;
        let ids = list_builds(&cx, list_builds::Input::default()).await.unwrap().ids;
        let request = state(&cx, &ids[0]).await.request;
        assert_eq!(request.source.version.as_deref(), Some("c0ffee"));
        assert!(!request.may_fill_caches());
    })
    .await;
}

#[tokio::test]
async fn a_batch_takes_the_overrides_of_its_source_and_names_those_that_it_cannot_take() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, batch_project()).await.unwrap();
        for left in start_build_batch::UNSUPPORTED {
            let input: start_build_batch::Input =
                serde_json::from_value(json!({ "projectName": "demo", *left: true })).unwrap();
            assert!(input.build.rest.contains_key(*left), "{left} is read, so it is not refused");
            let refused = start_batch(&cx, json!({ *left: true })).await.unwrap_err();
            assert!(refused.message.contains(left), "{}", refused.message);
        }
        let auth = json!({ "type": "OAUTH" });
        let input = json!({ "gitSubmodulesConfigOverride": { "fetchSubmodules": true }, "sourceAuthOverride": auth });
        let made = start_batch(&cx, input).await.unwrap();
        assert_eq!(made["source"]["gitSubmodulesConfig"]["fetchSubmodules"], true);
        assert_eq!(made["source"]["auth"], auth);
    })
    .await;
}

#[tokio::test]
async fn the_builds_of_a_batch_have_debug_sessions_when_it_or_its_section_says_so() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, batch_project()).await.unwrap();
        let mut seen: Vec<String> = Vec::new();
        for (batch_has, section_has) in [(false, false), (true, false), (false, true)] {
            let made = start_batch(&cx, json!({ "debugSessionEnabled": batch_has })).await.unwrap();
            assert_eq!(made["debugSessionEnabled"], batch_has);
            let id = made["id"].as_str().unwrap().to_owned();
            let (key, _) = effects(&cx, &id).await.remove(0);
            let buildspec = format!(
                "version: 0.2\nbatch: {{build-list: [{{identifier: a, debug-session: {section_has}}}]}}\n\
                 phases: {{build: {{commands: [codebuild-breakpoint]}}}}\n"
            );
            let text = SpecText { buildspec, resolved_version: None, secondary_versions: Default::default() };
            tell(&cx, &id, BatchInput::SpecRead { key, text }).await;
            let (key, _) = effects(&cx, &id).await.pop().unwrap();
            start_child(&cx, &id, &key).await;
            let builds = list_builds(&cx, list_builds::Input::default()).await.unwrap().ids;
            let build = builds.into_iter().find(|id| !seen.contains(id)).unwrap();
            seen.push(build.clone());
            let has = batch_has || section_has;
            let input = batch_get_builds::Input { ids: vec![build.clone()] };
            let shown = batch_get_builds(&cx, input).await.unwrap().builds.remove(0);
            assert_eq!(shown["debugSession"]["sessionEnabled"] == true, has, "{shown}");
            assert_eq!(state(&cx, &build).await.request.debug_session, has);
        }
    })
    .await;
}
