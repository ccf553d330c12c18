//! Notices of rules and of approvals: what they say, once each, and what becomes of them.

use devtools::codestar_notifications as rules;
use devtools::{codebuild, codepipeline, notices};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;
use store::events::EventRow;
use store::tables::approval_notice;
use store::tables::codestar_notifications_target as targets;
use store::testing::{each_engine, write_event_types};
use store::{Tx, outbox};

use super::tests::{World, action, code_commit, input, machines, world};
use crate::Subscriber;

const PIPELINE: &str = "arn:aws:codepipeline:eu-central-1:123456789012:demo";
const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:told";

impl World {
    async fn rule(&self, name: &str, types: &[&str], more: Value) -> String {
        let types: Vec<String> = types.iter().map(|t| format!("codepipeline-pipeline-{t}")).collect();
        let mut create = json!({
            "Name": name, "Resource": PIPELINE, "DetailType": "FULL", "EventTypeIds": types,
            "Targets": [{"TargetType": "SNS", "TargetAddress": TOPIC}],
        });
        for (key, value) in more.as_object().unwrap() {
            create[key] = value.clone();
        }
        rules::create_notification_rule(&self.cx.cx, input(create)).await.unwrap().arn
    }

    /// What waits to be told to the topic, in its order.
    async fn waiting(&self) -> Vec<Value> {
        let mut tx = self.cx.cx.store.read().await.unwrap();
        let line = notices::line_of(self.cx.cx.scope(), TOPIC);
        let rows = outbox::of_machine(&mut tx, notices::NOTICE, &line).await.unwrap();
        let mut rows: Vec<_> = rows.into_iter().map(|row| (row.key, row.effect)).collect();
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        let message = |effect: Value| {
            let notice = effect.as_object().unwrap().values().next().unwrap();
            serde_json::from_str(notice["message"].as_str().unwrap()).unwrap()
        };
        rows.into_iter().map(|(_, effect)| message(effect)).collect()
    }

    /// What clients see of the approval.
    async fn approval(&self) -> Value {
        let state = codepipeline::get_pipeline_state(&self.cx.cx, input(json!({"name": "demo"}))).await.unwrap();
        serde_json::to_value(&state).unwrap()["stageStates"][1]["actionStates"][0]["latestExecution"].clone()
    }
}

fn approval(topic: Option<&str>) -> Value {
    let mut configuration =
        json!({"CustomData": "Look at it", "ExternalEntityLink": "https://example.com/#{Src.CommitId}"});
    if let Some(topic) = topic {
        configuration["NotificationArn"] = json!(topic);
    }
    action("Ok", "Approval", "Manual", configuration, (&[], &[]))
}

#[tokio::test]
async fn a_rule_is_told_of_its_events_and_the_approval_to_its_topic() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let commit = world.push("a.txt", "a", None).await;
        let id = world.create(code_commit(), approval(Some(TOPIC))).await;
        let arn = world.rule("needed", &["manual-approval-needed", "stage-execution-resumed"], json!({})).await;
        let basic = json!({"DetailType": "BASIC"});
        world.rule("basic", &["manual-approval-needed"], basic).await;
        world.rule("off", &["manual-approval-needed"], json!({"Status": "DISABLED"})).await;
        // The events of the start are older than the rules.
        world.drive_without_notices().await;
        let waiting = world.waiting().await;
        assert_eq!(waiting.len(), 3, "{waiting:#?}");
        let said = waiting.iter().find(|m| m["notificationRuleArn"] == json!(arn)).unwrap();
        let state = world.state(&id).await;
        let run = &state.stages[1].actions[0];
        assert_eq!(
            *said,
            json!({
                "account": "123456789012", "detailType": "CodePipeline Action Execution State Change",
                "region": "eu-central-1", "source": "aws.codepipeline",
                "time": run.started.format("%Y-%m-%dT%H:%M:%SZ"), "notificationRuleArn": arn,
                "detail": {
                    "pipeline": "demo", "execution-id": id, "state": "STARTED", "version": 1, "stage": "Then",
                    "action": "Ok", "action-execution-id": run.id, "region": "eu-central-1",
                    "start-time": run.started.format("%Y-%m-%dT%H:%M:%S%.3fZ"), "pipeline-execution-attempt": 1,
                    "type": {"owner": "AWS", "provider": "Manual", "category": "Approval", "version": "1"},
                },
                "resources": [PIPELINE],
                "additionalAttributes": {
                    "customData": "Look at it", "externalEntityLink": format!("https://example.com/{commit}"),
                },
            })
        );
        assert!(waiting.iter().any(|m| m["additionalAttributes"] == json!({})), "the basic one: {waiting:#?}");
        let seen = codepipeline::get_pipeline_state(&world.cx.cx, input(json!({"name": "demo"}))).await.unwrap();
        let seen = serde_json::to_value(&seen).unwrap()["stageStates"][1]["actionStates"][0]["entityUrl"].clone();
        assert_eq!(seen, json!(format!("https://example.com/{commit}")), "references are replaced");
        let approval = waiting.iter().find(|m| m.get("approval").is_some()).unwrap();
        let token = world.approval().await["token"].as_str().unwrap().to_owned();
        let link = "https://console.aws.amazon.com/codepipeline/home?region=eu-central-1#/view/demo";
        let expires = run.started + std::time::Duration::from_secs(7 * 24 * 3600);
        assert_eq!(
            *approval,
            json!({
                "region": "eu-central-1", "consoleLink": link,
                "approval": {
                    "pipelineName": "demo", "stageName": "Then", "actionName": "Ok", "token": token,
                    "expires": expires.format("%Y-%m-%dT%H:%MZ"),
                    "externalEntityLink": format!("https://example.com/{commit}"),
                    "approvalReviewLink": format!("{link}/Then/Ok/approve/{token}"), "customData": "Look at it",
                },
            })
        );

        // Nothing of it can be sent, and each place where somebody looks says so.
        world.drive().await;
        assert!(world.waiting().await.is_empty());
        let mut tx = world.cx.cx.store.read().await.unwrap();
        let listed = targets::list(&mut tx, world.cx.cx.scope(), "", 9).await.unwrap();
        assert_eq!((listed.len(), listed[0].status.as_str()), (1, "UNREACHABLE"));
        assert_eq!(targets::told(&mut tx).await.unwrap(), targets::Told { sent: 0, unsent: 2 });
        drop(tx);
        let shown = world.approval().await;
        let summary = format!("No notice was sent to {TOPIC}: the operation sns:Publish is not available.");
        assert_eq!((shown["summary"].as_str(), shown["token"].as_str()), (Some(&*summary), Some(&*token)));
    })
    .await;
}

#[tokio::test]
async fn a_failure_is_told_with_the_actions_that_failed_and_a_rule_that_is_gone_tells_nothing() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.push("a.txt", "a", None).await;
        let id = world.create(code_commit(), approval(None)).await;
        let types = [
            "pipeline-execution-failed",
            "stage-execution-failed",
            "stage-execution-started",
            "manual-approval-failed",
        ];
        let arn = world.rule("failed", &types, json!({})).await;
        world.drive().await;
        let token = world.approval().await["token"].clone();
        let reject = json!({
            "pipelineName": "demo", "stageName": "Then", "actionName": "Ok", "token": token,
            "result": {"status": "Rejected", "summary": "Not today"},
        });
        codepipeline::put_approval_result(&world.cx.cx, input(reject)).await.unwrap();
        world.drive_without_notices().await;
        let waiting = world.waiting().await;
        let failed = json!([{"action": "Ok", "additionalInformation": "Not today"}]);
        let attributes: Vec<_> = waiting.iter().map(|m| m["additionalAttributes"].clone()).collect();
        assert_eq!(
            attributes[..3],
            [
                json!({"additionalInformation": "Not today"}),
                json!({"failedActionCount": 1, "failedActions": failed}),
                json!({"failedActionCount": 1, "failedActions": failed, "failedStage": "Then"}),
            ]
        );
        assert!(waiting[..3].iter().all(|m| m["detail"]["execution-id"] == json!(id)));
        // The stage is free, and the execution of the push enters it.
        let sources = attributes[3]["sourceActions"].as_array().unwrap();
        assert_eq!((attributes.len(), sources.len()), (4, 1));
        assert_eq!(sources[0]["sourceActionVariables"]["BranchName"], "main");
        let told = targets::told(&mut world.cx.cx.store.read().await.unwrap()).await.unwrap();
        rules::delete_notification_rule(&world.cx.cx, input(json!({"Arn": arn}))).await.unwrap();
        world.drive().await;
        assert!(world.waiting().await.is_empty());
        // Those of the stages that had started were told before: of two executions the first, of one the second.
        assert_eq!(told, targets::Told { sent: 0, unsent: 3 });
        assert_eq!(
            targets::told(&mut world.cx.cx.store.read().await.unwrap()).await.unwrap(),
            targets::Told::default()
        );
    })
    .await;
}

#[tokio::test]
async fn an_event_that_is_heard_again_is_told_no_second_time() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.push("a.txt", "a", None).await;
        world.create(code_commit(), approval(None)).await;
        world.rule("needed", &["manual-approval-needed"], json!({})).await;
        // Another listener fails: what was written of the event is undone, and it is heard again.
        let deaf = Arc::new(Deaf { left: AtomicI32::new(2) });
        let others: [Arc<dyn Subscriber>; 1] = [deaf.clone()];
        for _ in 0..20 {
            world.deliver_with(&others).await;
            world.perform_but_notices().await;
            world.test.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(world.waiting().await.len(), 1);
        assert!(deaf.left.load(Ordering::SeqCst) < 0, "it was heard again");
        world.drive().await;
        let told = async || targets::told(&mut world.cx.cx.store.read().await.unwrap()).await.unwrap();
        assert_eq!((world.waiting().await.len(), told().await), (0, targets::Told { sent: 0, unsent: 1 }));
        world.drive().await;
        assert_eq!((world.waiting().await.len(), told().await), (0, targets::Told { sent: 0, unsent: 1 }));
    })
    .await;
}

/// Does not hear at first that an approval is needed.
struct Deaf {
    left: AtomicI32,
}

impl Subscriber for Deaf {
    fn name(&self) -> &'static str {
        "deaf"
    }

    fn deliver<'a>(&'a self, _: &'a mut Tx, event: &'a EventRow) -> BoxFuture<'a, Result<(), store::Error>> {
        let is_approval = event.event.detail.pointer("/type/category") == Some(&json!("Approval"));
        // A batch is tried as a whole and then event by event, so that it fails twice to set the event back.
        let fails = is_approval && self.left.fetch_sub(1, Ordering::SeqCst) > 0;
        Box::pin(std::future::ready(match fails {
            true => Err(store::Error::UnknownMachine { kind: "deaf".to_owned() }),
            false => Ok(()),
        }))
    }
}

#[tokio::test]
async fn a_repository_and_a_project_are_told_of_by_their_rules() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let first = world.push("a.txt", "a", None).await;
        let project = json!({
            "name": "checks", "source": {"type": "NO_SOURCE", "buildspec": "version: 0.2"},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL"},
            "serviceRole": "arn:aws:iam::123456789012:role/build",
        });
        codebuild::create_project(&world.cx.cx, input(project)).await.unwrap();
        world.deliver().await;
        let arn = |resource: &str| format!("arn:aws:{resource}");
        for (name, resource, kind) in [
            ("app", arn("codecommit:eu-central-1:123456789012:app"), "codecommit-repository-branches-and-tags-updated"),
            (
                "checks",
                arn("codebuild:eu-central-1:123456789012:project/checks"),
                "codebuild-project-build-state-in-progress",
            ),
        ] {
            world.rule(name, &[], json!({"Resource": resource, "EventTypeIds": [kind]})).await;
        }
        world.push("b.txt", "b", Some(&first)).await;
        codebuild::start_build(&world.cx.cx, input(json!({"projectName": "checks"}))).await.unwrap();
        world.deliver().await;
        let mut told: Vec<_> =
            world.waiting().await.iter().map(|m| (m["source"].clone(), m["detail"].clone())).collect();
        told.sort_by_key(|(source, _)| source.to_string());
        let [(_, build), (_, reference)] = told.as_slice() else { panic!("{told:#?}") };
        assert_eq!((&build["project-name"], &build["build-status"]), (&json!("checks"), &json!("IN_PROGRESS")));
        assert_eq!((&reference["event"], &reference["referenceName"]), (&json!("referenceUpdated"), &json!("main")));
    })
    .await;
}

#[tokio::test]
async fn an_approval_whose_topic_is_none_says_so_and_holds_up_nobody() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.push("a.txt", "a", None).await;
        let topic = format!("arn:aws:sns:eu-central-1:123456789012:{}", "t".repeat(900));
        world.create(code_commit(), approval(Some(&topic))).await;
        world.drive().await;
        let summary = world.approval().await["summary"].as_str().unwrap().to_owned();
        assert!(summary.starts_with("No notice was sent to arn:aws:sns:eu-central-1:123456789012:ttt"), "{summary}");
        assert!(summary.ends_with("...: this is not the ARN of an SNS topic."), "{summary}");
        let mut tx = world.cx.cx.store.read().await.unwrap();
        assert_eq!(approval_notice::told(&mut tx).await.unwrap(), targets::Told { sent: 0, unsent: 1 });
        assert_eq!(store::setback::held(&mut tx).await.unwrap(), store::setback::Held::default());
    })
    .await;
}

#[tokio::test]
async fn rules_that_cannot_be_read_set_back_their_notices_and_nothing_else() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.push("a.txt", "a", None).await;
        let id = world.create(code_commit(), approval(None)).await;
        let rule = world.rule("needed", &["manual-approval-needed"], json!({})).await;
        let id_of_rule = rule.rsplit_once('/').unwrap().1;
        let types = async |text: &'static str| write_event_types(&world.cx.cx.store, id_of_rule, text).await;
        types("{").await;
        for _ in 0..4 {
            world.deliver().await;
            world.perform_but_notices().await;
        }
        let mut tx = world.cx.cx.store.read().await.unwrap();
        assert_eq!(store::setback::held(&mut tx).await.unwrap().events, 0, "no event waits");
        drop(tx);
        assert!(matches!(
            world.state(&id).await.stages[1].actions[0].status,
            engine::pipeline::ActionStatus::AwaitingApproval { .. }
        ));
        types(r#"["codepipeline-pipeline-manual-approval-needed"]"#).await;
        world.drive().await;
        let told = targets::told(&mut world.cx.cx.store.read().await.unwrap()).await.unwrap();
        assert_eq!(told, targets::Told { sent: 0, unsent: 1 });
    })
    .await;
}
