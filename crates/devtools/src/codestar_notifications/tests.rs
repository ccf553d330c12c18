//! Rules, targets and lists as clients see them.

use base::ApiError;
use platform::Cx;
use serde_json::{Value, json};
use store::Machines;
use store::testing::each_engine;

use super::*;
use crate::codecommit;

macro_rules! call {
    ($operation:ident, $cx:expr, $input:tt) => {{
        let input = serde_json::from_value(json!($input)).unwrap();
        $operation($cx, input).await.map(|output| serde_json::to_value(&output).unwrap()).map_err(|e: ApiError| e.code)
    }};
}

const REPOSITORY: &str = "arn:aws:codecommit:eu-central-1:123456789012:app";
const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:told";
const SLACK: &str = "arn:aws:chatbot::123456789012:chat-configuration/slack-channel/ours";
const MISSING: &str = "arn:aws:codestar-notifications:eu-central-1:123456789012:notificationrule/no";

async fn repository(cx: &Cx) {
    let create = serde_json::from_value(json!({"repositoryName": "app"})).unwrap();
    codecommit::create_repository(cx, create).await.unwrap();
}

async fn rule(cx: &Cx, more: Value) -> Result<String, &'static str> {
    let mut create = json!({
        "Name": "pushes", "Resource": REPOSITORY, "DetailType": "FULL",
        "EventTypeIds": ["codecommit-repository-branches-and-tags-created"],
        "Targets": [{"TargetType": "SNS", "TargetAddress": TOPIC}],
    });
    for (key, value) in more.as_object().unwrap() {
        create[key] = value.clone();
    }
    let made = call!(create_notification_rule, cx, create)?;
    Ok(made["Arn"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_rule_is_made_once_with_its_token_and_its_name_is_its_own() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        repository(&cx).await;
        let made = rule(&cx, json!({"ClientRequestToken": "t", "Tags": {"team": "one"}})).await.unwrap();
        assert_eq!(rule(&cx, json!({"ClientRequestToken": "t", "Tags": {"team": "one"}})).await, Ok(made.clone()));
        assert_eq!(rule(&cx, json!({"ClientRequestToken": "t"})).await, Err("ValidationException"));
        assert_eq!(rule(&cx, json!({})).await, Err("ResourceAlreadyExistsException"));
        let id = made.rsplit_once('/').unwrap().1;
        assert!(id.len() == 40 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{made}");
        let shown = call!(describe_notification_rule, &cx, {"Arn": made}).unwrap();
        assert_eq!(shown["Targets"], json!([{"TargetAddress": TOPIC, "TargetType": "SNS", "TargetStatus": "PENDING"}]));
        assert_eq!(
            shown["EventTypes"],
            json!([{
                "EventTypeId": "codecommit-repository-branches-and-tags-created", "ServiceName": "CodeCommit",
                "EventTypeName": "Branches and tags: Created", "ResourceType": "Repository",
            }])
        );
        assert_eq!((&shown["Status"], &shown["DetailType"]), (&json!("ENABLED"), &json!("FULL")));
        assert_eq!(shown["CreatedBy"], "arn:aws:iam::123456789012:root");
    })
    .await;
}

#[tokio::test]
async fn what_a_rule_cannot_be_is_refused() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        repository(&cx).await;
        let other = "arn:aws:codecommit:eu-west-1:123456789012:app";
        let eleven: Value =
            (0..11).map(|n| json!({"TargetAddress": format!("arn:aws:sns:eu-central-1:123456789012:t{n}")})).collect();
        for (more, code) in [
            (json!({"Resource": "arn:aws:codecommit:eu-central-1:123456789012:gone"}), "ConfigurationException"),
            (json!({"Resource": other}), "ConfigurationException"),
            (json!({"Resource": "arn:aws:s3:eu-central-1:123456789012:b"}), "ValidationException"),
            (json!({"Resource": "arn:aws:codebuild:eu-central-1:123456789012:build/a:b"}), "ValidationException"),
            (json!({"EventTypeIds": []}), "ValidationException"),
            (json!({"EventTypeIds": ["codecommit-repository-burnt"]}), "ValidationException"),
            (json!({"EventTypeIds": ["codebuild-project-build-state-failed"]}), "ValidationException"),
            (json!({"Targets": [{"TargetType": "Pigeon", "TargetAddress": TOPIC}]}), "ValidationException"),
            (json!({"Targets": [{"TargetType": "SNS", "TargetAddress": SLACK}]}), "ValidationException"),
            (json!({"Targets": [{"TargetType": "AWSChatbotSlack", "TargetAddress": TOPIC}]}), "ValidationException"),
            (json!({"Targets": [{"TargetType": "SNS"}]}), "ValidationException"),
            (json!({"Targets": eleven}), "ValidationException"),
            (json!({"Tags": {"aws:x": "y"}}), "ValidationException"),
        ] {
            assert_eq!(rule(&cx, more.clone()).await, Err(code), "{more}");
        }
        for n in 0..10 {
            rule(&cx, json!({"Name": format!("rule {n}")})).await.unwrap();
        }
        assert_eq!(rule(&cx, json!({"Name": "one more"})).await, Err("LimitExceededException"));
        assert_eq!(call!(describe_notification_rule, &cx, {"Arn": MISSING}), Err("ResourceNotFoundException"));
        assert_eq!(call!(update_notification_rule, &cx, {"Arn": MISSING}), Err("ResourceNotFoundException"));
        let target = json!({"TargetAddress": TOPIC});
        assert_eq!(call!(subscribe, &cx, {"Arn": MISSING, "Target": target}), Err("ResourceNotFoundException"));
        assert_eq!(call!(tag_resource, &cx, {"Arn": MISSING, "Tags": {}}), Err("ResourceNotFoundException"));
        // The model has no such error for these.
        assert_eq!(call!(delete_notification_rule, &cx, {"Arn": MISSING}), Ok(json!({"Arn": MISSING})));
        call!(unsubscribe, &cx, {"Arn": MISSING, "TargetAddress": TOPIC}).unwrap();
        for other in [MISSING.replace("eu-central-1", "eu-west-1"), MISSING.replace("123456789012", "210987654321")] {
            assert_eq!(call!(delete_notification_rule, &cx, {"Arn": other}), Err("ValidationException"));
            assert_eq!(call!(unsubscribe, &cx, {"Arn": other, "TargetAddress": TOPIC}), Err("ValidationException"));
        }
        call!(delete_target, &cx, {"TargetAddress": "nowhere"}).unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_update_replaces_event_types_and_targets_and_leaves_what_it_does_not_name() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        repository(&cx).await;
        let one = rule(&cx, json!({})).await.unwrap();
        rule(&cx, json!({"Name": "other"})).await.unwrap();
        let update = json!({
            "Arn": one, "Status": "DISABLED", "EventTypeIds": ["codecommit-repository-pull-request-merged"],
            "Targets": [{"TargetType": "AWSChatbotSlack", "TargetAddress": SLACK}],
        });
        call!(update_notification_rule, &cx, update).unwrap();
        let shown = call!(describe_notification_rule, &cx, {"Arn": one}).unwrap();
        assert_eq!(shown["Name"], "pushes");
        assert_eq!(shown["Status"], "DISABLED");
        assert_eq!(shown["EventTypes"][0]["EventTypeId"], "codecommit-repository-pull-request-merged");
        assert_eq!(
            (shown["Targets"].as_array().unwrap().len(), &shown["Targets"][0]["TargetAddress"]),
            (1, &json!(SLACK))
        );
        assert_eq!(call!(update_notification_rule, &cx, {"Arn": one, "Name": "other"}), Err("ConfigurationException"));
        let wrong = json!({"Arn": one, "EventTypeIds": ["codebuild-project-build-state-failed"]});
        assert_eq!(call!(update_notification_rule, &cx, wrong), Err("ValidationException"));
        call!(tag_resource, &cx, {"Arn": one, "Tags": {"a": "1", "b": "2"}}).unwrap();
        call!(untag_resource, &cx, {"Arn": one, "TagKeys": ["a"]}).unwrap();
        assert_eq!(call!(list_tags_for_resource, &cx, {"Arn": one}), Ok(json!({"Tags": {"b": "2"}})));
    })
    .await;
}

#[tokio::test]
async fn targets_are_subscribed_listed_and_deleted() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        repository(&cx).await;
        let one = rule(&cx, json!({})).await.unwrap();
        let slack = json!({"TargetType": "AWSChatbotSlack", "TargetAddress": SLACK});
        for _ in 0..2 {
            assert_eq!(call!(subscribe, &cx, {"Arn": one, "Target": slack}), Ok(json!({"Arn": one})));
        }
        let list = |filters: Value| json!({"Filters": filters});
        assert_eq!(call!(list_targets, &cx, {}).unwrap()["Targets"].as_array().unwrap().len(), 2);
        let of_slack = list(json!([{"Name": "TARGET_TYPE", "Value": "AWSChatbotSlack"}]));
        assert_eq!(call!(list_targets, &cx, of_slack).unwrap()["Targets"][0]["TargetAddress"], SLACK);
        assert_eq!(call!(delete_target, &cx, {"TargetAddress": SLACK}), Err("ValidationException"));
        call!(unsubscribe, &cx, {"Arn": one, "TargetAddress": SLACK}).unwrap();
        call!(delete_target, &cx, {"TargetAddress": SLACK}).unwrap();
        call!(delete_target, &cx, {"TargetAddress": TOPIC, "ForceUnsubscribeAll": true}).unwrap();
        assert_eq!(call!(list_targets, &cx, {}).unwrap()["Targets"], json!([]));
        assert_eq!(call!(describe_notification_rule, &cx, {"Arn": one}).unwrap()["Targets"], json!([]));
        let teams = json!({"TargetType": "AWSChatbotMicrosoftTeams", "TargetAddress": SLACK});
        assert_eq!(
            rule(&cx, json!({"Name": "two kinds", "Targets": [slack, teams]})).await,
            Err("ValidationException"),
            "one address is one target"
        );
        call!(subscribe, &cx, {"Arn": one, "Target": slack}).unwrap();
        assert_eq!(call!(subscribe, &cx, {"Arn": one, "Target": teams}), Err("ValidationException"));
        let update = json!({"Arn": one, "Targets": [teams]});
        assert_eq!(call!(update_notification_rule, &cx, update), Err("ValidationException"));
        call!(delete_target, &cx, {"TargetAddress": SLACK, "ForceUnsubscribeAll": true}).unwrap();
        for n in 0..10 {
            let target = json!({"TargetAddress": format!("arn:aws:sns:eu-central-1:123456789012:t{n}")});
            call!(subscribe, &cx, {"Arn": one, "Target": target}).unwrap();
        }
        let target = json!({"TargetAddress": TOPIC});
        assert_eq!(call!(subscribe, &cx, {"Arn": one, "Target": target}), Err("ConfigurationException"));
    })
    .await;
}

#[tokio::test]
async fn lists_have_pages_and_filters_of_one_name_are_alternatives() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        repository(&cx).await;
        let mut made = Vec::new();
        for n in 0..5 {
            let kind =
                ["codecommit-repository-pull-request-created", "codecommit-repository-pull-request-merged"][n % 2];
            made.push(rule(&cx, json!({"Name": format!("r{n}"), "EventTypeIds": [kind]})).await.unwrap());
        }
        made.sort();
        let mut found = Vec::new();
        let mut page = json!({"MaxResults": 2});
        loop {
            let listed = call!(list_notification_rules, &cx, page).unwrap();
            let arns = listed["NotificationRules"].as_array().unwrap();
            found.extend(arns.iter().map(|r| r["Arn"].as_str().unwrap().to_owned()));
            let Some(token) = listed["NextToken"].as_str() else { break };
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"_/+=".contains(&b)), "{token}");
            page["NextToken"] = json!(token);
        }
        assert_eq!(found, made);
        let count = async |filters: Value| {
            let listed = call!(list_notification_rules, &cx, {"Filters": filters}).unwrap();
            listed["NotificationRules"].as_array().unwrap().len()
        };
        let created = json!({"Name": "EVENT_TYPE_ID", "Value": "codecommit-repository-pull-request-created"});
        let merged = json!({"Name": "EVENT_TYPE_ID", "Value": "codecommit-repository-pull-request-merged"});
        let told = json!({"Name": "TARGET_ADDRESS", "Value": TOPIC});
        let none = json!({"Name": "RESOURCE", "Value": "arn:aws:codecommit:eu-central-1:123456789012:b"});
        assert_eq!(count(json!([created])).await, 3);
        assert_eq!(count(json!([created, merged])).await, 5);
        assert_eq!(count(json!([created, told])).await, 3);
        assert_eq!(count(json!([created, none])).await, 0);
        assert_eq!(call!(list_notification_rules, &cx, {"NextToken": "AAAA"}), Err("InvalidNextTokenException"));
        let many = |n: usize| vec![json!({"Name": "RESOURCE", "Value": "arn:aws:s3:::b"}); n];
        assert_eq!(count(json!(many(100))).await, 0);
        assert_eq!(call!(list_notification_rules, &cx, {"Filters": many(101)}), Err("ValidationException"));
        assert_eq!(call!(list_targets, &cx, {"Filters": many(101)}), Err("ValidationException"));
        assert_eq!(call!(list_event_types, &cx, {"Filters": many(101)}), Err("ValidationException"));
        let pipelines = json!([{"Name": "RESOURCE_TYPE", "Value": "pipeline"}]);
        let types = call!(list_event_types, &cx, {"Filters": pipelines}).unwrap();
        assert_eq!(types["EventTypes"].as_array().unwrap().len(), 18);
        let first = call!(list_event_types, &cx, {"MaxResults": 34}).unwrap();
        let rest = call!(list_event_types, &cx, {"NextToken": first["NextToken"]}).unwrap();
        assert_eq!(rest["EventTypes"].as_array().unwrap().len(), 1);
        assert!(rest.get("NextToken").is_none());
    })
    .await;
}

#[tokio::test]
async fn the_quota_of_targets_holds_for_updates_and_locks_nobody_out() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        repository(&cx).await;
        let one = rule(&cx, json!({})).await.unwrap();
        let scope = cx.scope().clone();
        let fill = cx.store.write(move |tx| {
            let scope = scope.clone();
            Box::pin(async move {
                for n in 0..999 {
                    let address = format!("arn:aws:sns:eu-central-1:123456789012:n{n}");
                    store::tables::codestar_notifications_target::subscribe(tx, &scope, "x", (&address, "SNS")).await?;
                }
                Ok::<_, store::Error>(())
            })
        });
        fill.await.unwrap();
        let to = |name: &str| json!([{"TargetAddress": format!("arn:aws:sns:eu-central-1:123456789012:{name}")}]);
        let update = json!({"Arn": one, "Targets": to("new")});
        assert_eq!(call!(update_notification_rule, &cx, update), Err("ConfigurationException"));
        let new = to("new")[0].clone();
        assert_eq!(call!(subscribe, &cx, {"Arn": one, "Target": new}), Err("ConfigurationException"));
        let create = json!({"Name": "two", "Targets": to("new")});
        assert_eq!(rule(&cx, create).await, Err("LimitExceededException"));
        let known = json!({"Arn": one, "Targets": to("n1")});
        call!(update_notification_rule, &cx, known).unwrap();
        rule(&cx, json!({"Name": "two", "Targets": to("n2")})).await.unwrap();
        let known = to("n3")[0].clone();
        call!(subscribe, &cx, {"Arn": one, "Target": known}).unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_comes_at_once_comes_one_after_the_other() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        repository(&cx).await;
        let token = json!({"ClientRequestToken": "t"});
        let (a, b) = tokio::join!(rule(&cx, token.clone()), rule(&cx, token));
        let one = a.unwrap();
        assert_eq!(b, Ok(one.clone()));
        let disable = async { call!(update_notification_rule, &cx, {"Arn": one, "Status": "DISABLED"}) };
        let tag = async { call!(tag_resource, &cx, {"Arn": one, "Tags": {"a": "1"}}) };
        let (disabled, tagged) = tokio::join!(disable, tag);
        disabled.unwrap();
        tagged.unwrap();
        let shown = call!(describe_notification_rule, &cx, {"Arn": one}).unwrap();
        assert_eq!((&shown["Status"], &shown["Tags"]), (&json!("DISABLED"), &json!({"a": "1"})));
        let target = json!({"TargetAddress": TOPIC.replace("told", "other")});
        let subscribe = async { call!(subscribe, &cx, {"Arn": one, "Target": target}) };
        let delete = async { call!(delete_notification_rule, &cx, {"Arn": one}) };
        let (_, deleted) = tokio::join!(subscribe, delete);
        deleted.unwrap();
        // No subscription is left behind that would hold the target.
        call!(delete_target, &cx, {"TargetAddress": target["TargetAddress"]}).unwrap();
    })
    .await;
}
