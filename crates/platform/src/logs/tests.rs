use std::time::Duration;

use base::{ApiError, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::Machines;
use store::testing::{TestStore, each_engine, sqlite};

use super::*;
use crate::Cx;
use crate::testing::cx;

async fn call<I: DeserializeOwned, O: Serialize>(
    cx: &Cx,
    operation: impl AsyncFn(&Cx, I) -> Result<O, ApiError>,
    input: Value,
) -> Result<Value, ApiError> {
    let output = operation(cx, serde_json::from_value(input).unwrap()).await?;
    Ok(serde_json::to_value(output).unwrap())
}

async fn ready(test: &TestStore, streams: &[&str]) -> Cx {
    let cx = cx(test);
    call(&cx, create_log_group, json!({"logGroupName": "g"})).await.unwrap();
    for stream in streams {
        call(&cx, create_log_stream, json!({"logGroupName": "g", "logStreamName": stream})).await.unwrap();
    }
    cx
}

/// Puts messages one millisecond apart, the last of them now.
async fn put(cx: &Cx, stream: &str, messages: &[String]) -> Value {
    let first = cx.now().millis() - i64::try_from(messages.len()).unwrap() + 1;
    let events: Vec<_> =
        messages.iter().enumerate().map(|(i, m)| json!({"timestamp": first + i as i64, "message": m})).collect();
    call(cx, put_log_events, json!({"logGroupName": "g", "logStreamName": stream, "logEvents": events})).await.unwrap()
}

async fn get(cx: &Cx, more: Value) -> Value {
    let mut input = json!({"logGroupName": "g", "logStreamName": "s"});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(cx, get_log_events, input).await.unwrap()
}

fn messages(page: &Value) -> Vec<String> {
    page["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap().to_owned()).collect()
}

fn numbered(n: std::ops::Range<usize>) -> Vec<String> {
    n.map(|i| format!("line {i}")).collect()
}

#[tokio::test]
async fn pages_forward_and_backward_join_to_the_whole_stream_and_stop_at_the_same_token() {
    each_engine(Machines::new(), |test| async move {
        let cx = ready(&test, &["s"]).await;
        put(&cx, "s", &numbered(0..25)).await;
        for (first, token) in [(true, "nextForwardToken"), (false, "nextBackwardToken")] {
            let mut page = get(&cx, json!({"limit": 7, "startFromHead": first})).await;
            let mut all = messages(&page);
            loop {
                let asked = page[token].clone();
                page = get(&cx, json!({"limit": 7, "nextToken": asked})).await;
                if page[token] == asked {
                    assert_eq!(messages(&page), Vec::<String>::new());
                    break;
                }
                let some = messages(&page);
                all = if first { [all, some].concat() } else { [some, all].concat() };
            }
            assert_eq!(all, numbered(0..25), "{token}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_follower_with_a_forward_token_gets_what_comes_later_and_nothing_twice() {
    each_engine(Machines::new(), |test| async move {
        let cx = ready(&test, &["s"]).await;
        let empty = get(&cx, json!({"startFromHead": true})).await;
        assert_eq!(messages(&empty), Vec::<String>::new());
        put(&cx, "s", &numbered(0..3)).await;
        let page = get(&cx, json!({"nextToken": empty["nextForwardToken"]})).await;
        assert_eq!(messages(&page), numbered(0..3));
        let end = get(&cx, json!({"nextToken": page["nextForwardToken"]})).await;
        assert_eq!(end["nextForwardToken"], page["nextForwardToken"]);
        test.clock.advance(Duration::from_secs(1));
        put(&cx, "s", &numbered(3..5)).await;
        let page = get(&cx, json!({"nextToken": end["nextForwardToken"]})).await;
        assert_eq!(messages(&page), numbered(3..5));
        let back = get(&cx, json!({"nextToken": end["nextBackwardToken"]})).await;
        assert_eq!(messages(&back), numbered(0..3), "the token beside an empty page leads back");
    })
    .await;
}

#[tokio::test]
async fn times_bound_a_read_with_the_start_in_it_and_the_end_not() {
    let test = sqlite(Machines::new()).await;
    let cx = ready(&test, &["s"]).await;
    put(&cx, "s", &numbered(0..10)).await;
    let first = cx.now().millis() - 9;
    let page = get(&cx, json!({"startTime": first + 2, "endTime": first + 5})).await;
    assert_eq!(messages(&page), numbered(2..5));
    let newest = get(&cx, json!({"limit": 2})).await;
    assert_eq!(messages(&newest), numbered(8..10));
    let bad = json!({"logGroupName": "g", "logStreamName": "s", "nextToken": "f/1/s"});
    let refused = call(&cx, get_log_events, bad).await.unwrap_err();
    assert_eq!(refused.to_string(), "InvalidParameterException: The specified nextToken is invalid.");
}

#[tokio::test]
async fn a_batch_that_breaks_the_rules_is_refused_and_a_stale_part_is_reported() {
    let test = sqlite(Machines::new()).await;
    let cx = ready(&test, &["s"]).await;
    let now = cx.now().millis();
    let (hour, day) = (3_600_000, 86_400_000);
    let put = async |times: &[i64]| {
        let events: Vec<_> = times.iter().map(|t| json!({"timestamp": now + t, "message": "m"})).collect();
        call(&cx, put_log_events, json!({"logGroupName": "g", "logStreamName": "s", "logEvents": events})).await
    };
    assert!(put(&[2, 1]).await.unwrap_err().message.contains("chronological"));
    assert!(put(&[-day - 1, 0]).await.unwrap_err().message.contains("24 hours"));
    assert!(put(&[]).await.is_err());
    let part = put(&[-hour, 3 * hour]).await.unwrap();
    assert_eq!(part["rejectedLogEventsInfo"], json!({"tooNewLogEventStartIndex": 1}));
    let part = put(&[-14 * day - 5, -14 * day + 5]).await.unwrap();
    assert_eq!(part["rejectedLogEventsInfo"], json!({"tooOldLogEventEndIndex": 1}));
    assert_eq!(get(&cx, json!({})).await["events"].as_array().unwrap().len(), 2);
    let big = json!({"logGroupName": "g", "logStreamName": "s",
        "logEvents": [{"timestamp": now, "message": "x".repeat(1_048_576)}]});
    let refused = call(&cx, put_log_events, big).await.unwrap_err();
    assert_eq!(refused.message, "Upload too large: 1048602 bytes exceeds limit of 1048576");
    let nowhere = json!({"logGroupName": "g", "logStreamName": "t", "logEvents": [{"timestamp": now, "message": "m"}]});
    let refused = call(&cx, put_log_events, nowhere).await.unwrap_err();
    assert_eq!(refused.message, "The specified log stream does not exist.");
}

#[tokio::test]
async fn a_filter_sees_all_streams_in_order_and_its_pages_join() {
    each_engine(Machines::new(), |test| async move {
        let cx = ready(&test, &["a", "b"]).await;
        for n in 0..6 {
            put(&cx, if n % 2 == 0 { "a" } else { "b" }, &[format!("ERROR {n}")]).await;
            put(&cx, "a", &[format!("fine {n}")]).await;
            test.clock.advance(Duration::from_millis(5));
        }
        let (mut all, mut token) = (Vec::new(), Value::Null);
        loop {
            let input = json!({"logGroupName": "g", "filterPattern": "ERROR", "limit": 2, "nextToken": token});
            let page = call(&cx, filter_log_events, input).await.unwrap();
            all.extend(messages(&page));
            match page.get("nextToken") {
                Some(next) => token = next.clone(),
                None => break,
            }
        }
        assert_eq!(all, (0..6).map(|n| format!("ERROR {n}")).collect::<Vec<_>>());
        let of_b = json!({"logGroupName": "g", "logStreamNames": ["b"]});
        let page = call(&cx, filter_log_events, of_b).await.unwrap();
        assert_eq!(messages(&page), ["ERROR 1", "ERROR 3", "ERROR 5"]);
        assert_eq!(page["events"][0]["logStreamName"], "b");
        let prefix = json!({"logGroupName": "g", "logStreamNamePrefix": "a", "filterPattern": "-fine"});
        assert_eq!(messages(&call(&cx, filter_log_events, prefix).await.unwrap()), ["ERROR 0", "ERROR 2", "ERROR 4"]);
        let since = json!({"logGroupName": "g", "startTime": cx.now().millis() - 5});
        assert_eq!(messages(&call(&cx, filter_log_events, since).await.unwrap()), ["ERROR 5", "fine 5"]);
        let regex = json!({"logGroupName": "g", "filterPattern": "%E.*%"});
        assert_eq!(call(&cx, filter_log_events, regex).await.unwrap_err().code, "InvalidParameterException");
    })
    .await;
}

#[tokio::test]
async fn a_search_through_large_events_stops_and_goes_on_without_a_gap() {
    each_engine(Machines::new(), |test| async move {
        let cx = ready(&test, &["large", "small"]).await;
        let large = "x".repeat(1_000_000);
        for n in 0..20 {
            put(&cx, "large", std::slice::from_ref(&large)).await;
            put(&cx, "small", &[format!("small {n}")]).await;
            test.clock.advance(Duration::from_millis(5));
        }
        for (streams, pattern, expected) in
            [(json!(["large", "small"]), "small", 20), (Value::Null, "small", 20), (json!(["large", "small"]), "", 40)]
        {
            let (mut found, mut pages, mut token) = (Vec::new(), 0, Value::Null);
            loop {
                let input = json!({"logGroupName": "g", "logStreamNames": streams, "filterPattern": pattern,
                                   "nextToken": token});
                let page = call(&cx, filter_log_events, input).await.unwrap();
                pages += 1;
                assert!(messages(&page).iter().map(String::len).sum::<usize>() <= scan::PAGE_BYTES);
                found.extend(page["events"].as_array().unwrap().iter().map(|e| e["eventId"].clone().to_string()));
                match page.get("nextToken") {
                    Some(next) => token = next.clone(),
                    None => break,
                }
            }
            assert!(pages > 1, "20 MB were read for one answer");
            assert_eq!(found.len(), expected);
            assert!(found.is_sorted(), "{found:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn retention_hides_at_once_and_the_sweep_really_deletes() {
    each_engine(Machines::new(), |test| async move {
        let cx = ready(&test, &["s"]).await;
        put(&cx, "s", &numbered(0..5)).await;
        test.clock.advance(Duration::from_secs(2 * 86_400));
        put(&cx, "s", &numbered(5..7)).await;
        let policy = json!({"logGroupName": "g", "retentionInDays": 1});
        call(&cx, put_retention_policy, policy).await.unwrap();
        assert_eq!(messages(&get(&cx, json!({})).await), numbered(5..7));
        assert_eq!(sweep(&cx.store).await.unwrap(), 5);
        call(&cx, delete_retention_policy, json!({"logGroupName": "g"})).await.unwrap();
        assert_eq!(messages(&get(&cx, json!({})).await), numbered(5..7));
        let groups = call(&cx, describe_log_groups, json!({"logGroupNamePrefix": "g"})).await.unwrap();
        assert_eq!(groups["logGroups"][0]["storedBytes"], 12);
        call(&cx, delete_log_group, json!({"logGroupName": "g"})).await.unwrap();
        assert_eq!(sweep(&cx.store).await.unwrap(), 2);
        assert_eq!(sweep(&cx.store).await.unwrap(), 0);
        let bad = json!({"logGroupName": "g", "retentionInDays": 2});
        assert_eq!(call(&cx, put_retention_policy, bad).await.unwrap_err().code, "InvalidParameterException");
    })
    .await;
}

#[tokio::test]
async fn append_makes_group_and_stream_and_nothing_when_its_transaction_fails() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let write = async |text: &'static str, fails: bool| {
            let scope = cx.scope().clone();
            cx.store
                .write(move |tx| {
                    let scope = scope.clone();
                    Box::pin(async move {
                        let time = Timestamp::from_secs(1_704_067_200);
                        let events = [LogEvents::One { time, message: text.to_owned() }];
                        append(tx, &scope, "/aws/codebuild/p", "b1", &events).await?;
                        if fails { Err(ApiError::new("X", "no")) } else { Ok(()) }
                    })
                })
                .await
        };
        assert!(write("lost", true).await.is_err());
        let groups = call(&cx, describe_log_groups, json!({})).await.unwrap();
        assert_eq!(groups["logGroups"], json!([]));
        write("one", false).await.unwrap();
        write("two", false).await.unwrap();
        let input = json!({"logGroupName": "/aws/codebuild/p", "logStreamName": "b1", "startFromHead": true});
        assert_eq!(messages(&call(&cx, get_log_events, input).await.unwrap()), ["one", "two"]);
    })
    .await;
}

#[tokio::test]
async fn lines_that_arrive_together_are_events_of_their_own_in_pages_of_any_size() {
    each_engine(Machines::new(), |test| async move {
        let cx = ready(&test, &["s", "other"]).await;
        let now = cx.now();
        let lines = |from: usize| LogEvents::Lines {
            time: now,
            text: (from..from + 5).map(|n| format!("line {n}\n")).collect(),
        };
        let single = |text: &str| LogEvents::One { time: now, message: text.to_owned() };
        let pieces = [single("two\nlines"), lines(0), single("between"), lines(5), lines(10)];
        for (stream, pieces) in [("s", pieces.to_vec()), ("other", vec![lines(90)])] {
            let scope = cx.scope().clone();
            let append = cx.store.write(move |tx| {
                let (scope, pieces) = (scope.clone(), pieces.clone());
                Box::pin(async move { append(tx, &scope, "g", stream, &pieces).await })
            });
            append.await.unwrap();
        }
        put(&cx, "s", &["last\nof all".to_owned()]).await;
        let line = |n: usize| format!("line {n}\n");
        let mut all = vec!["two\nlines".to_owned()];
        all.extend((0..5).map(line));
        all.push("between".to_owned());
        all.extend((5..15).map(line));
        all.push("last\nof all".to_owned());
        for limit in [1, 2, 3, 4, 7, 100] {
            let (mut forward, mut backward) = (Vec::new(), Vec::new());
            let mut page = get(&cx, json!({"limit": limit, "startFromHead": true})).await;
            while !messages(&page).is_empty() {
                forward.extend(messages(&page));
                page = get(&cx, json!({"limit": limit, "nextToken": page["nextForwardToken"]})).await;
            }
            // Turning round at the end gives what is before the end.
            page = get(&cx, json!({"limit": limit, "nextToken": page["nextBackwardToken"]})).await;
            while !messages(&page).is_empty() {
                backward.splice(..0, messages(&page));
                page = get(&cx, json!({"limit": limit, "nextToken": page["nextBackwardToken"]})).await;
            }
            assert_eq!(forward, all, "{limit}");
            assert_eq!(backward, all, "{limit}");
            let (mut found, mut token) = (Vec::new(), Value::Null);
            loop {
                let input = json!({"logGroupName": "g", "filterPattern": "line", "limit": limit, "nextToken": token});
                let page = call(&cx, filter_log_events, input).await.unwrap();
                let events = page["events"].as_array().unwrap();
                found.extend(events.iter().map(|e| (e["eventId"].to_string(), e["message"].to_string())));
                match page.get("nextToken") {
                    Some(next) => token = next.clone(),
                    None => break,
                }
            }
            // All but the last: one of the two whose message has a line break in it tells of lines, too.
            assert_eq!(found.len(), 21, "{limit}: {found:?}");
            assert!(found.is_sorted_by(|a, b| a.0 < b.0), "{found:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn streams_are_listed_by_name_or_by_last_event_in_pages() {
    each_engine(Machines::new(), |test| async move {
        let cx = ready(&test, &["a", "b", "c", "d"]).await;
        for stream in ["c", "a", "b"] {
            put(&cx, stream, &["x".to_owned()]).await;
            test.clock.advance(Duration::from_secs(1));
        }
        for (order, descending, expected) in [
            ("LogStreamName", false, ["a", "b", "c", "d"]),
            ("LogStreamName", true, ["d", "c", "b", "a"]),
            ("LastEventTime", true, ["b", "a", "c", "d"]),
            ("LastEventTime", false, ["d", "c", "a", "b"]),
        ] {
            let (mut names, mut token) = (Vec::new(), Value::Null);
            loop {
                let input = json!({"logGroupName": "g", "orderBy": order, "descending": descending,
                    "limit": 2, "nextToken": token});
                let page = call(&cx, describe_log_streams, input).await.unwrap();
                let streams = page["logStreams"].as_array().unwrap();
                names.extend(streams.iter().map(|s| s["logStreamName"].as_str().unwrap().to_owned()));
                match page.get("nextToken") {
                    Some(next) => token = next.clone(),
                    None => break,
                }
            }
            assert_eq!(names, expected, "{order} {descending}");
        }
    })
    .await;
}

#[tokio::test]
async fn groups_are_made_tagged_found_and_refused_twice() {
    let test = sqlite(Machines::new()).await;
    let cx = ready(&test, &[]).await;
    let again = call(&cx, create_log_group, json!({"logGroupName": "g"})).await.unwrap_err();
    assert_eq!(again.to_string(), "ResourceAlreadyExistsException: The specified log group already exists");
    for n in 0..60 {
        call(&cx, create_log_group, json!({"logGroupName": format!("/app/{n:02}")})).await.unwrap();
    }
    let page = call(&cx, describe_log_groups, json!({"logGroupNamePrefix": "/app"})).await.unwrap();
    assert_eq!(page["logGroups"].as_array().unwrap().len(), 50);
    let input = json!({"logGroupNamePrefix": "/app", "nextToken": page["nextToken"]});
    let page = call(&cx, describe_log_groups, input).await.unwrap();
    assert_eq!(page["logGroups"].as_array().unwrap().len(), 10);
    assert!(page.get("nextToken").is_none());
    let found = call(&cx, describe_log_groups, json!({"logGroupNamePattern": "PP/3"})).await.unwrap();
    assert_eq!(found["logGroups"].as_array().unwrap().len(), 10);
    let arn = "arn:aws:logs:eu-central-1:123456789012:log-group:g";
    assert_eq!(cx.arn("logs", "log-group:g").to_string(), arn);
    let tag = json!({"resourceArn": format!("{arn}:*"), "tags": {"a": "1", "b": "2"}});
    call(&cx, tag_resource, tag).await.unwrap();
    call(&cx, untag_resource, json!({"resourceArn": arn, "tagKeys": ["a"]})).await.unwrap();
    let tags = call(&cx, list_tags_for_resource, json!({"resourceArn": arn})).await.unwrap();
    assert_eq!(tags["tags"], json!({"b": "2"}));
    let key = call(&cx, create_log_group, json!({"logGroupName": "k", "kmsKeyId": "x"})).await.unwrap_err();
    assert!(key.message.contains("kmsKeyId"));
}
