//! Notices of rules and of approvals: what they say, once each, and what becomes of them.

use devtools::codestar_notifications as rules;
use devtools::{codepipeline, notices};
use serde_json::{Value, json};
use store::outbox;
use store::tables::codestar_notifications_target as targets;
use store::testing::each_engine;

use super::tests::{World, action, code_commit, input, machines, world};
use crate::NoticeWriter;

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
        let rows = outbox::of_machine(&mut tx, notices::NOTICE, TOPIC).await.unwrap();
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
                    "type": {"owner": "AWS", "provider": "Manual", "category": "Approval", "version": "1"},
                },
                "resources": [PIPELINE],
                "additionalAttributes": {
                    "customData": "Look at it", "externalEntityLink": format!("https://example.com/{commit}"),
                },
            })
        );
        assert!(waiting.iter().any(|m| m["additionalAttributes"] == json!({})), "the basic one: {waiting:#?}");
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
        let types = ["pipeline-execution-failed", "stage-execution-failed", "stage-execution-started"];
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
            attributes[..2],
            [
                json!({"failedActionCount": 1, "failedActions": failed}),
                json!({"failedActionCount": 1, "failedActions": failed, "failedStage": "Then"}),
            ]
        );
        assert!(waiting[..2].iter().all(|m| m["detail"]["execution-id"] == json!(id)));
        // The stage is free, and the execution of the push enters it.
        let sources = attributes[2]["sourceActions"].as_array().unwrap();
        assert_eq!((attributes.len(), sources.len()), (3, 1));
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
        world.drive_without_notices().await;
        assert_eq!(world.waiting().await.len(), 1);
        let again = world.cx.cx.store.write(|tx| {
            Box::pin(async move {
                for event in store::events::after(tx, 0, 100).await? {
                    crate::Subscriber::deliver(&NoticeWriter, tx, &event).await?;
                }
                Ok::<_, store::Error>(())
            })
        });
        again.await.unwrap();
        assert_eq!(world.waiting().await.len(), 1);
    })
    .await;
}
