//! Rules, targets and custom events, on both databases.

use std::time::Duration;

use base::ApiError;
use engine::schedule::Schedule;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::Machines;
use store::events::{self, EventRow};
use store::testing::{TestStore, each_engine, sqlite};

use super::*;
use crate::Cx;
use crate::testing::cx;

const PIPELINE: &str = "arn:aws:codepipeline:eu-central-1:123456789012:demo";
const ROLE: &str = "arn:aws:iam::123456789012:role/starter";
const RULE: &str = "arn:aws:events:eu-central-1:123456789012:rule/r";

fn machines() -> Machines {
    Machines::new().with::<Schedule>()
}

async fn call<I: DeserializeOwned, O: Serialize>(
    cx: &Cx,
    operation: impl AsyncFnOnce(&Cx, I) -> Result<O, ApiError>,
    input: Value,
) -> Result<Value, ApiError> {
    let input = serde_json::from_value(input).unwrap();
    operation(cx, input).await.map(|output| serde_json::to_value(output).unwrap())
}

async fn put(cx: &Cx, name: &str, more: Value) -> Result<Value, ApiError> {
    let mut input = json!({"Name": name});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(cx, put_rule, input).await
}

fn target(id: &str, more: Value) -> Value {
    let mut target = json!({"Id": id, "Arn": PIPELINE, "RoleArn": ROLE});
    target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    target
}

async fn aim(cx: &Cx, rule: &str, targets: Value) -> Result<Value, ApiError> {
    call(cx, put_targets, json!({"Rule": rule, "Targets": targets})).await
}

fn said<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    result.unwrap_err().to_string()
}

async fn all_events(test: &TestStore) -> Vec<EventRow> {
    events::after(&mut test.store.read().await.unwrap(), 0, 100).await.unwrap()
}

async fn matched(cx: &Cx, event: &EventRow) -> Vec<String> {
    let found = matching(&mut cx.store.read().await.unwrap(), &Patterns::default(), event).await.unwrap();
    found.into_iter().map(|m| format!("{} {}", m.rule, m.target)).collect()
}

#[tokio::test]
async fn a_rule_is_made_replaced_shown_switched_and_deleted() {
    each_engine(machines(), |test| async move {
        let cx = cx(&test);
        let pattern = r#"{"source": ["my.app"]}"#;
        let made = put(&cx, "r", json!({"EventPattern": pattern, "Tags": [{"Key": "a", "Value": "1"}]})).await.unwrap();
        assert_eq!(made, json!({"RuleArn": RULE}));
        put(&cx, "r", json!({"EventPattern": pattern, "Description": "d", "RoleArn": ROLE})).await.unwrap();
        let shown = call(&cx, describe_rule, json!({"Name": "r", "EventBusName": "default"})).await.unwrap();
        assert_eq!(shown, json!({
            "Name": "r", "Arn": RULE, "EventPattern": pattern, "State": "ENABLED", "Description": "d", "RoleArn": ROLE,
            "EventBusName": "default", "CreatedBy": "123456789012",
        }));
        let tags = call(&cx, list_tags_for_resource, json!({"ResourceARN": RULE})).await.unwrap();
        assert_eq!(tags, json!({"Tags": [{"Key": "a", "Value": "1"}]}));
        call(&cx, disable_rule, json!({"Name": "r"})).await.unwrap();
        assert_eq!(call(&cx, describe_rule, json!({"Name": "r"})).await.unwrap()["State"], "DISABLED");
        call(&cx, enable_rule, json!({"Name": "r"})).await.unwrap();
        call(&cx, tag_resource, json!({"ResourceARN": RULE, "Tags": [{"Key": "b", "Value": "2"}]})).await.unwrap();
        call(&cx, untag_resource, json!({"ResourceARN": RULE, "TagKeys": ["a"]})).await.unwrap();
        let tags = call(&cx, list_tags_for_resource, json!({"ResourceARN": RULE})).await.unwrap();
        assert_eq!(tags, json!({"Tags": [{"Key": "b", "Value": "2"}]}));
        aim(&cx, "r", json!([target("t", json!({}))])).await.unwrap();
        assert_eq!(
            said(call(&cx, delete_rule, json!({"Name": "r"})).await),
            "ValidationException: Rule can't be deleted since it has targets."
        );
        let removed = call(&cx, remove_targets, json!({"Rule": "r", "Ids": ["t", "u"]})).await.unwrap();
        assert_eq!((&removed["FailedEntryCount"], &removed["FailedEntries"][0]["TargetId"]), (&json!(1), &json!("u")));
        call(&cx, delete_rule, json!({"Name": "r"})).await.unwrap();
        call(&cx, delete_rule, json!({"Name": "r"})).await.unwrap();
        let gone = "ResourceNotFoundException: Rule r does not exist on EventBus default.";
        assert_eq!(said(call(&cx, describe_rule, json!({"Name": "r"})).await), gone);
        assert_eq!(said(call(&cx, enable_rule, json!({"Name": "r"})).await), gone);
        assert_eq!(said(aim(&cx, "r", json!([target("t", json!({}))])).await), gone);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_rule_is_refused_with_the_reason() {
    let test = sqlite(machines()).await;
    let cx = cx(&test);
    for (input, why) in [
        (json!({}), "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be specified."),
        (
            json!({"EventPattern": "{\"source\": \"x\"}"}),
            "InvalidEventPatternException: Event pattern is not valid. Reason: \"source\" must be an object or an array at source",
        ),
        (
            json!({"ScheduleExpression": "rate(1 minutes)"}),
            "ValidationException: Parameter ScheduleExpression is not valid. Reason: 'rate(1 minutes)': after 1 the unit has no s.",
        ),
        (
            json!({"ScheduleExpression": "rate(1 hour)", "RoleArn": "arn:aws:iam::123456789012:user/u"}),
            "ValidationException: Parameter RoleArn is not valid. Reason: it must be the ARN of a role of the rule's own \
             account: arn:aws:iam::123456789012:user/u.",
        ),
        (
            json!({"EventPattern": "{\"source\": [\"x\"]}", "EventBusName": "other"}),
            "ResourceNotFoundException: Event bus other does not exist.",
        ),
    ] {
        assert_eq!(said(put(&cx, "r", input).await), why);
    }
}

#[tokio::test]
async fn targets_that_are_not_there_yet_are_left_out_by_name() {
    let test = sqlite(machines()).await;
    let cx = cx(&test);
    put(&cx, "r", json!({"EventPattern": r#"{"source": ["s"]}"#})).await.unwrap();
    let answer = aim(
        &cx,
        "r",
        json!([
            target("good", json!({"RetryPolicy": {"MaximumRetryAttempts": 3}})),
            target("queue", json!({"Arn": "arn:aws:sqs:eu-central-1:123456789012:q"})),
            target("far", json!({"Arn": "arn:aws:codepipeline:us-east-1:123456789012:demo"})),
            target("dead", json!({"DeadLetterConfig": {"Arn": "arn:aws:sqs:eu-central-1:123456789012:q"}})),
        ]),
    )
    .await
    .unwrap();
    let failed: Vec<_> = answer["FailedEntries"].as_array().unwrap().iter().collect();
    assert_eq!(answer["FailedEntryCount"], 3);
    assert!(failed[0]["ErrorMessage"].as_str().unwrap().contains("no target of this kind yet"), "{answer}");
    assert!(failed[1]["ErrorMessage"].as_str().unwrap().contains("own account and region"));
    assert!(failed[2]["ErrorMessage"].as_str().unwrap().contains("DeadLetterConfig"));
    let kept = call(&cx, list_targets_by_rule, json!({"Rule": "r"})).await.unwrap();
    assert_eq!(kept, json!({"Targets": [target("good", json!({"RetryPolicy": {"MaximumRetryAttempts": 3}}))]}));
    for (more, why) in [
        (json!({"RoleArn": null}), format!("ValidationException: RoleArn is required for target {PIPELINE}.")),
        (
            json!({"RoleArn": "arn:aws:iam::210987654321:role/starter"}),
            "ValidationException: Parameter RoleArn is not valid. Reason: it must be the ARN of a role of the rule's own \
             account: arn:aws:iam::210987654321:role/starter."
                .to_owned(),
        ),
        (
            json!({"RoleArn": "starter"}),
            "ValidationException: Parameter RoleArn is not valid. Reason: it must be the ARN of a role of the rule's own \
             account: starter."
                .to_owned(),
        ),
        (
            json!({"Arn": "demo"}),
            "ValidationException: Parameter demo is not valid. Reason: Provided Arn is not in correct format."
                .to_owned(),
        ),
        (
            json!({"Input": "{}", "InputPath": "$"}),
            "ValidationException: Only one of Input, InputPath, or \
          InputTransformer must be provided for target bad."
                .to_owned(),
        ),
        (
            json!({"InputTransformer": {"InputTemplate": "<x>"}}),
            "ValidationException: The input of target bad is not \
          valid. Reason: the variable 'x' of the template has no path."
                .to_owned(),
        ),
    ] {
        assert_eq!(said(aim(&cx, "r", json!([target("bad", more)])).await), why);
    }
    let many: Vec<_> = (0..5).map(|n| target(&format!("t{n}"), json!({}))).collect();
    assert!(said(aim(&cx, "r", json!(many)).await).starts_with("LimitExceededException"));
    aim(&cx, "r", json!(many[..4])).await.unwrap();
    let page = call(&cx, list_targets_by_rule, json!({"Rule": "r", "Limit": 3})).await.unwrap();
    let rest = json!({"Rule": "r", "Limit": 3, "NextToken": page["NextToken"]});
    let rest = call(&cx, list_targets_by_rule, rest).await.unwrap();
    assert_eq!((page["Targets"].as_array().unwrap().len(), rest["Targets"].as_array().unwrap().len()), (3, 2));
    assert_eq!(rest.get("NextToken"), None);
}

#[tokio::test]
async fn rules_are_listed_by_name_and_by_target_in_pages() {
    let test = sqlite(machines()).await;
    let cx = cx(&test);
    for name in ["a1", "a2", "a3", "b"] {
        put(&cx, name, json!({"ScheduleExpression": "rate(1 hour)"})).await.unwrap();
        aim(&cx, name, json!([target("t", json!({}))])).await.unwrap();
    }
    let names =
        |page: &Value| page["Rules"].as_array().unwrap().iter().map(|r| r["Name"].to_string()).collect::<String>();
    let page = call(&cx, list_rules, json!({"NamePrefix": "a", "Limit": 2})).await.unwrap();
    assert_eq!(names(&page), r#""a1""a2""#);
    let next = json!({"NamePrefix": "a", "Limit": 2, "NextToken": page["NextToken"]});
    assert_eq!(names(&call(&cx, list_rules, next).await.unwrap()), r#""a3""#);
    assert!(said(call(&cx, list_rules, json!({"NextToken": "x"})).await).starts_with("ValidationException"));
    let of = call(&cx, list_rule_names_by_target, json!({"TargetArn": PIPELINE, "Limit": 3})).await.unwrap();
    assert_eq!(of["RuleNames"], json!(["a1", "a2", "a3"]));
    let rest = json!({"TargetArn": PIPELINE, "NextToken": of["NextToken"]});
    assert_eq!(call(&cx, list_rule_names_by_target, rest).await.unwrap(), json!({"RuleNames": ["b"]}));
    let buses = call(&cx, list_event_buses, json!({})).await.unwrap();
    assert_eq!(buses["EventBuses"][0]["Arn"], "arn:aws:events:eu-central-1:123456789012:event-bus/default");
    assert_eq!(call(&cx, describe_event_bus, json!({})).await.unwrap()["Name"], "default");
    assert!(said(call(&cx, describe_event_bus, json!({"Name": "x"})).await).starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn custom_events_are_taken_one_by_one_and_those_that_services_tell_are_refused() {
    each_engine(machines(), |test| async move {
        let cx = cx(&test);
        let entry = |source: &str, detail: &str| json!({"Source": source, "DetailType": "t", "Detail": detail});
        let answer = call(&cx, put_events, json!({"Entries": [
            {"Source": "my.app", "DetailType": "t", "Detail": "{\"x\": 1}", "Resources": ["r"], "Time": "2023-05-06T07:08:09Z"},
            entry("aws.codecommit", "{}"),
            entry("headworks.codeconnections", "{}"),
            entry("my.app", "x"),
            entry("my.app", &format!("{{\"x\": {}{}}}", "[".repeat(100), "]".repeat(100))),
            {"Source": "my.app", "DetailType": "t"},
            {"DetailType": "t", "Detail": "{}"},
            {"Source": "my.app", "DetailType": "t", "Detail": "{}", "EventBusName": "other"},
        ]}))
        .await
        .unwrap();
        assert_eq!(answer["FailedEntryCount"], 7);
        let codes: Vec<_> = answer["Entries"].as_array().unwrap().iter().map(|e| e["ErrorCode"].clone()).collect();
        let (no, detail, argument) = ("NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument");
        assert_eq!(json!(codes), json!([null, no, no, detail, detail, argument, argument, argument]));
        assert_eq!(
            answer["Entries"][5]["ErrorMessage"],
            "Parameter Detail is not valid. Reason: Detail is a required argument."
        );
        let events = all_events(&test).await;
        assert_eq!(events.len(), 1);
        let envelope = events[0].envelope();
        assert_eq!(envelope["id"], answer["Entries"][0]["EventId"]);
        assert_eq!((&envelope["time"], &envelope["detail"]), (&json!("2023-05-06T07:08:09Z"), &json!({"x": 1})));
        // It is in nobody's lane, whatever resource it names, and its ingestion is not the time that it says.
        let mut tx = test.store.read().await.unwrap();
        assert_eq!(events::deliverable(&mut tx, 10).await.unwrap()[0].lane, "");
        let put = events::put(&mut tx, &events[0].id).await.unwrap().unwrap();
        assert_eq!((put.by.as_str(), put.received), ("arn:aws:iam::123456789012:root", Some(cx.now())));
        drop(tx);
        let large = entry("my.app", &format!("{{\"x\": \"{}\"}}", "y".repeat(300_000)));
        assert!(said(call(&cx, put_events, json!({"Entries": [large]})).await).contains("over the limit"));
    })
    .await;
}

#[tokio::test]
async fn an_event_is_for_the_targets_of_enabled_rules_that_it_matches() {
    each_engine(machines(), |test| async move {
        let cx = cx(&test);
        for (name, pattern) in
            [("one", r#"{"source": ["my.app"]}"#), ("two", r#"{"detail": {"x": [{"exists": true}]}}"#)]
        {
            put(&cx, name, json!({"EventPattern": pattern})).await.unwrap();
            aim(&cx, name, json!([target("t", json!({}))])).await.unwrap();
        }
        let entries = json!([{"Source": "my.app", "DetailType": "t", "Detail": "{\"x\": 1}"},
                             {"Source": "my.app", "DetailType": "t", "Detail": "{}"}]);
        call(&cx, put_events, json!({"Entries": entries})).await.unwrap();
        let events = all_events(&test).await;
        assert_eq!(matched(&cx, &events[0]).await, ["one t", "two t"]);
        assert_eq!(matched(&cx, &events[1]).await, ["one t"]);
        call(&cx, disable_rule, json!({"Name": "one"})).await.unwrap();
        assert_eq!(matched(&cx, &events[0]).await, ["two t"]);
        let tested = json!({"EventPattern": r#"{"source": ["my.app"]}"#, "Event": events[0].envelope().to_string()});
        assert_eq!(call(&cx, test_event_pattern, tested).await.unwrap(), json!({"Result": true}));
        let large = format!("\"{}\"", "x".repeat(256 * 1024));
        let large = json!({"EventPattern": r#"{"source": ["my.app"]}"#, "Event": large});
        assert!(said(call(&cx, test_event_pattern, large).await).contains("more than 262144 bytes"));
        let tested = json!({"EventPattern": r#"{"source": ["my.app"]}"#, "Event": "{}"});
        assert!(said(call(&cx, test_event_pattern, tested).await).contains("the event has no id"));
    })
    .await;
}

#[tokio::test]
async fn a_schedule_reaches_its_own_rule_at_its_times_and_no_longer_than_the_rule_is_enabled() {
    each_engine(machines(), |test| async move {
        let cx = cx(&test);
        let every = json!({"ScheduleExpression": "rate(5 minutes)"});
        put(&cx, "r", every.clone()).await.unwrap();
        put(&cx, "other", json!({"EventPattern": r#"{"source": ["aws.events"]}"#})).await.unwrap();
        for rule in ["r", "other"] {
            aim(&cx, rule, json!([target("t", json!({}))])).await.unwrap();
        }
        let pass = async |minutes: u64| {
            test.clock.advance(Duration::from_secs(60 * minutes));
            let fire = test.store.write(|tx| Box::pin(async move { store::timers::fire_due(tx, 10).await }));
            fire.await.unwrap();
            all_events(&test).await
        };
        assert_eq!(pass(4).await.len(), 0);
        // Put again as it was, it keeps its rhythm.
        put(&cx, "r", every.clone()).await.unwrap();
        let events = pass(1).await;
        assert_eq!(events.len(), 1);
        assert_eq!(matched(&cx, &events[0]).await, ["r t"]);
        assert_eq!(events[0].envelope()["resources"], json!([RULE]));
        call(&cx, disable_rule, json!({"Name": "r"})).await.unwrap();
        assert!(matched(&cx, &events[0]).await.is_empty());
        assert_eq!(pass(60).await.len(), 1);
        call(&cx, enable_rule, json!({"Name": "r"})).await.unwrap();
        assert_eq!(pass(4).await.len(), 1);
        assert_eq!(pass(1).await.len(), 2);
        call(&cx, remove_targets, json!({"Rule": "r", "Ids": ["t"]})).await.unwrap();
        call(&cx, delete_rule, json!({"Name": "r"})).await.unwrap();
        assert_eq!(pass(60).await.len(), 2);
        // A rule of the same name has events of its own.
        put(&cx, "r", every.clone()).await.unwrap();
        assert_eq!(pass(5).await.len(), 3);
        put(&cx, "r", json!({"ScheduleExpression": "rate(1 hour)"})).await.unwrap();
        assert_eq!(pass(59).await.len(), 3);
        assert_eq!(pass(1).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_role_that_is_not_there_is_named_as_such() {
    let test = sqlite(machines()).await;
    let mut cx = cx(&test);
    put(&cx, "r", json!({"ScheduleExpression": "rate(1 hour)"})).await.unwrap();
    std::sync::Arc::make_mut(&mut cx.site).test_mode = false;
    assert_eq!(
        said(aim(&cx, "r", json!([target("t", json!({}))])).await),
        format!("ValidationException: Parameter RoleArn is not valid. Reason: there is no such role: {ROLE}.")
    );
}

#[tokio::test]
async fn a_schedule_that_a_clock_ahead_has_planned_is_planned_anew_when_it_is_put_again() {
    each_engine(machines(), |test| async move {
        let cx = cx(&test);
        let every = json!({"ScheduleExpression": "rate(5 minutes)"});
        let ahead = Duration::from_secs(400 * 24 * 3600);
        test.clock.advance(ahead);
        put(&cx, "r", every.clone()).await.unwrap();
        // The test's clock only goes forward: round to where it was.
        let round = Duration::from_micros(i64::MAX as u64);
        test.clock.advance(round - ahead);
        test.clock.advance(round);
        test.clock.advance(Duration::from_micros(2));
        put(&cx, "r", every).await.unwrap();
        test.clock.advance(Duration::from_secs(300));
        test.store.write(|tx| Box::pin(async move { store::timers::fire_due(tx, 10).await })).await.unwrap();
        assert_eq!(all_events(&test).await.len(), 1);
    })
    .await;
}
