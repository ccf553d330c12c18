//! The examples of the user guide, "Comparison operators for use in event patterns", and what is refused.

use serde_json::{Value, json};

use super::EventPattern;

fn matches(pattern: Value, event: Value) -> bool {
    EventPattern::parse(&pattern.to_string()).unwrap_or_else(|e| panic!("{pattern}: {e}")).matches(&event).unwrap()
}

fn field(operator: Value, value: Value) -> bool {
    matches(json!({"detail": {"x": [operator]}}), json!({"detail": {"x": value}}))
}

fn refused(pattern: &str) -> String {
    EventPattern::parse(pattern).unwrap_err().to_string()
}

#[test]
fn the_events_of_the_guide_are_matched_by_its_first_pattern() {
    let event = json!({
        "version": "0", "id": "6a7e8feb", "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
        "account": "111122223333", "time": "2017-12-22T18:43:48Z", "region": "us-west-1",
        "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
        "detail": {"instance-id": "i-1234567890abcdef0", "state": "terminated"},
    });
    let pattern = json!({
        "source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"],
        "detail": {"state": ["terminated"]},
    });
    assert!(matches(pattern.clone(), event.clone()));
    let mut other = event.clone();
    other["detail"]["state"] = json!("running");
    assert!(!matches(pattern, other));
    assert!(matches(json!({"detail": {"state": ["running", "terminated"]}}), event.clone()));
    assert!(matches(json!({"resources": [{"suffix": "i-1234567890abcdef0"}]}), event.clone()));
    assert!(!matches(json!({"detail": {"state": ["terminated"]}, "region": ["eu-west-1"]}), event.clone()));
    assert!(!matches(json!({"nobody": ["x"]}), event));
}

#[test]
fn values_are_equal_letter_by_letter_null_and_empty_texts_included() {
    assert!(field(json!(""), json!("")));
    assert!(!field(json!(""), Value::Null));
    assert!(field(Value::Null, Value::Null));
    assert!(!field(Value::Null, json!("")));
    assert!(!matches(json!({"detail": {"x": [null]}}), json!({"detail": {}})));
    assert!(field(json!(true), json!(true)));
    assert!(!field(json!(true), json!("true")));
    assert!(!field(json!("a"), json!("A")));
    assert!(field(json!(100), json!(100)));
    assert!(!field(json!(300), json!(300.0)));
    assert!(!field(json!(100), json!("100")));
}

#[test]
fn of_an_array_one_element_is_enough() {
    assert!(field(json!("b"), json!(["a", "b"])));
    assert!(!field(json!("c"), json!(["a", "b"])));
    assert!(field(json!("b"), json!([["a"], ["b"]])));
    let pattern = json!({"detail": {"items": {"name": ["a"], "size": [2]}}});
    assert!(matches(pattern.clone(), json!({"detail": {"items": [{"name": "b"}, {"name": "a", "size": 2}]}})));
    assert!(!matches(pattern, json!({"detail": {"items": [{"name": "a", "size": 1}, {"name": "b", "size": 2}]}})));
}

#[test]
fn beginnings_and_ends_are_compared_in_any_case_if_wanted() {
    assert!(field(json!({"prefix": "2017-10-02"}), json!("2017-10-02T18:43:48Z")));
    assert!(!field(json!({"prefix": "us-"}), json!("eu-west-1")));
    assert!(!field(json!({"prefix": "1"}), json!(12)));
    assert!(field(json!({"prefix": {"equals-ignore-case": "EventB"}}), json!("eventbridge")));
    assert!(!field(json!({"prefix": "EventB"}), json!("eventbridge")));
    assert!(field(json!({"suffix": ".png"}), json!("a.png")));
    assert!(!field(json!({"suffix": ".png"}), json!("a.PNG")));
    assert!(field(json!({"suffix": {"equals-ignore-case": ".png"}}), json!("a.PNG")));
    assert!(field(json!({"equals-ignore-case": "alice"}), json!("ALICE")));
    assert!(!field(json!({"equals-ignore-case": "alice"}), json!("ALICEX")));
    assert!(field(json!({"wildcard": "dir/*.png"}), json!("dir/x.png")));
    assert!(!field(json!({"wildcard": "dir/*.png"}), json!("other/x.png")));
}

#[test]
fn anything_but_wants_another_value_and_not_none() {
    assert!(field(json!({"anything-but": "initializing"}), json!("running")));
    assert!(!field(json!({"anything-but": "initializing"}), json!("initializing")));
    assert!(!matches(json!({"detail": {"x": [{"anything-but": "a"}]}}), json!({"detail": {}})));
    assert!(field(json!({"anything-but": ["stopped", "overloaded"]}), json!("running")));
    assert!(!field(json!({"anything-but": ["stopped", "overloaded"]}), json!("overloaded")));
    assert!(field(json!({"anything-but": [100, 200, 300]}), json!(123)));
    assert!(!field(json!({"anything-but": [100, 200, 300]}), json!(200)));
    assert!(!field(json!({"anything-but": 123}), json!(123)));
    assert!(field(json!({"anything-but": {"prefix": "init"}}), json!("running")));
    assert!(!field(json!({"anything-but": {"prefix": ["init", "run"]}}), json!("running")));
    assert!(!field(json!({"anything-but": {"suffix": ".txt"}}), json!("a.txt")));
    assert!(field(json!({"anything-but": {"suffix": [".txt", ".rtf"]}}), json!("a.png")));
    assert!(!field(json!({"anything-but": {"equals-ignore-case": "initializing"}}), json!("INITIALIZING")));
    assert!(field(json!({"anything-but": {"equals-ignore-case": ["initializing", "stopped"]}}), json!("RUNNING")));
    assert!(!field(json!({"anything-but": {"wildcard": "*/lib/*"}}), json!("/usr/lib/x")));
    assert!(field(json!({"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}), json!("/usr/share/x")));
}

#[test]
fn numbers_are_compared_as_numbers_and_bounds_count() {
    let numeric = |signs: Value, value: Value| field(json!({"numeric": signs}), value);
    assert!(numeric(json!(["=", 100]), json!(100.0)));
    assert!(numeric(json!([">", 10, "<=", 20]), json!(20)));
    assert!(!numeric(json!([">", 10, "<=", 20]), json!(10)));
    assert!(numeric(json!(["<", 10]), json!(-3.018e2)));
    assert!(!numeric(json!(["<", 10]), json!("5")));
    assert!(numeric(json!([">=", 0]), json!([-1, 0])));
}

#[test]
fn a_field_exists_if_it_has_a_leaf() {
    let pattern = |exists: bool| json!({"detail": {"x": [{"exists": exists}]}});
    for (event, there) in [
        (json!({"detail": {"x": 1}}), true),
        (json!({"detail": {"x": null}}), true),
        (json!({"detail": {"x": [0]}}), true),
        (json!({"detail": {"x": []}}), false),
        (json!({"detail": {"x": {"y": 1}}}), false),
        (json!({"detail": {}}), false),
        (json!({}), false),
    ] {
        assert_eq!(matches(pattern(true), event.clone()), there, "{event}");
        assert_eq!(matches(pattern(false), event.clone()), !there, "{event}");
    }
    let either = json!({"detail": {"x": [{"exists": false}, "a"]}});
    assert!(matches(either.clone(), json!({"detail": {"x": "a"}})));
    assert!(matches(either.clone(), json!({"detail": {}})));
    assert!(!matches(either, json!({"detail": {"x": "b"}})));
}

#[test]
fn what_must_not_exist_is_in_no_element_of_an_array() {
    let pattern = json!({"detail": {"x": {"y": [{"exists": false}], "z": [1]}}});
    assert!(!matches(pattern.clone(), json!({"detail": {"x": [{"y": 1}, {"z": 1}]}})));
    assert!(!matches(pattern.clone(), json!({"detail": {"x": [{"z": 1}, {"y": 1}]}})));
    assert!(matches(pattern.clone(), json!({"detail": {"x": [{"z": 2}, {"z": 1}]}})));
    assert!(matches(pattern, json!({"detail": {"x": [{"y": []}, {"z": 1}]}})));
    let alone = json!({"detail": {"x": {"y": [{"exists": false}]}}});
    assert!(!matches(alone.clone(), json!({"detail": [{"x": 1}, {"x": [{}, {"y": 1}]}]})));
    assert!(matches(alone, json!({"detail": [{"x": 1}, {"x": [{}, {"w": 1}]}]})));
}

#[test]
fn a_match_that_costs_too_much_is_given_up() {
    let prefixes: Vec<Value> = (0..250).map(|n| json!({"prefix": {"equals-ignore-case": format!("X{n}")}})).collect();
    let pattern = EventPattern::parse(&json!({"detail": {"x": prefixes}}).to_string()).unwrap();
    let of = |texts: Vec<String>| pattern.matches(&json!({"detail": {"x": texts}}));
    assert_eq!(of(vec!["a".repeat(40_000)]), Ok(false));
    assert_eq!(of(vec!["a".repeat(100_000)]), Err(super::TooCostly));
    assert_eq!(of(vec!["a".to_owned(); 2_000]), Err(super::TooCostly));
    assert_eq!(of(vec!["x7y".to_owned(); 2_000]), Ok(true));
}

#[test]
fn the_fields_of_the_envelope_decide_before_what_is_nested() {
    let tests: Vec<Value> = (0..100).map(|n| json!({"suffix": n.to_string()})).collect();
    let text = json!({"detail": {"x": tests}, "source": ["s"]}).to_string();
    let event = json!({"source": "other", "detail": {"x": vec!["a"; 10_000]}});
    assert_eq!(EventPattern::parse(&text).unwrap().matches(&event), Ok(false));
}

#[test]
fn addresses_are_of_networks() {
    assert!(field(json!({"cidr": "10.0.0.0/24"}), json!("10.0.0.17")));
    assert!(!field(json!({"cidr": "10.0.0.0/24"}), json!("10.0.1.17")));
}

#[test]
fn or_joins_fields_beside_what_must_hold_anyway() {
    let pattern = json!({"source": ["s"], "detail": {"$or": [
        {"c-count": [{"numeric": [">", 0, "<=", 5]}]},
        {"d-count": [{"numeric": ["<", 10]}]},
        {"x-limit": [{"numeric": ["=", 3.018e2]}]},
    ]}});
    let event = |detail: Value| json!({"source": "s", "detail": detail});
    assert!(matches(pattern.clone(), event(json!({"c-count": 5}))));
    assert!(matches(pattern.clone(), event(json!({"c-count": 6, "x-limit": 301.8}))));
    assert!(!matches(pattern.clone(), event(json!({"c-count": 6, "d-count": 10}))));
    assert!(!matches(pattern, json!({"source": "t", "detail": {"c-count": 5}})));
    let nested = json!({"$or": [{"source": ["a"], "$or": [{"region": ["r"]}, {"id": ["i"]}]}, {"source": ["b"]}]});
    assert!(matches(nested.clone(), json!({"source": "a", "id": "i"})));
    assert!(!matches(nested.clone(), json!({"source": "a"})));
    assert!(matches(nested, json!({"source": "b"})));
}

#[test]
fn the_matching_examples_of_the_guide_for_several_operators_hold() {
    let pattern = json!({
        "time": [{"prefix": "2017-10-02"}],
        "detail": {"state": [{"anything-but": "initializing"}], "c-count": [{"numeric": [">", 0, "<=", 5]}],
                   "d-count": [{"numeric": ["<", 10]}], "x-limit": [{"anything-but": [100, 200, 300]}]},
    });
    let event = json!({"time": "2017-10-02T18:43:48Z",
                       "detail": {"state": "running", "c-count": 3, "d-count": 0, "x-limit": 301.8}});
    assert!(matches(pattern, event));
}

#[test]
fn a_pattern_that_is_malformed_is_refused_with_the_place() {
    for (pattern, why) in [
        ("[]", "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        ("{", "not JSON: EOF while parsing an object at line 1 column 1"),
        (r#"{"source": "aws.ec2"}"#, "\"source\" must be an object or an array at source"),
        (r#"{"detail": {"a": {"b": []}}}"#, "Empty arrays are not allowed at detail.a.b"),
        (r#"{"detail": {"a": {}}}"#, "Empty objects are not allowed at detail.a"),
        (r#"{"detail": {"a": [{"starts": "x"}]}}"#, "Unrecognized match type starts at detail.a.starts"),
        (r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#, "Only one key allowed in match expression at a"),
        (r#"{"a": [["x"]]}"#, "Match value must be String, number, true, false, or null at a"),
        (r#"{"a": [{"prefix": 1}]}"#, "prefix match pattern must be a string at a.prefix"),
        (r#"{"a": [{"exists": "true"}]}"#, "exists match pattern must be either true or false at a.exists"),
        (r#"{"a": [{"numeric": [">", 5, "<", 5]}]}"#, "Bottom must be less than top at a.numeric"),
        (r#"{"a": [{"numeric": ["~", 5]}]}"#, "Unrecognized numeric range operator: \"~\" at a.numeric"),
        (r#"{"a": [{"numeric": ["<", "5"]}]}"#, "Value of numeric must be numeric at a.numeric"),
        (r#"{"a": [{"numeric": []}]}"#, "Invalid member in numeric match: ] at a.numeric"),
        (r#"{"a": [{"numeric": ["<", 6e9]}]}"#, "Value of numeric must be between -5.0e9 and +5.0e9 at a.numeric"),
        (
            r#"{"a": [{"anything-but": [1, "x"]}]}"#,
            "Inside anything but list, either all values are strings or all are numbers at a.anything-but",
        ),
        (
            r#"{"a": [{"anything-but": {"exists": true}}]}"#,
            "Unsupported anything-but pattern: exists at a.anything-but.exists",
        ),
        (
            r#"{"a": [{"anything-but": null}]}"#,
            "Value of anything-but must be an array or single string/number value. at a.anything-but",
        ),
        (r#"{"$or": [{"a": ["x"]}]}"#, "\"$or\" must be an array of two or more objects at $or"),
        (
            r#"{"a": [{"wildcard": "a**b"}]}"#,
            "Consecutive wildcard characters in the wildcard match pattern 'a**b' at a.wildcard",
        ),
    ] {
        assert_eq!(refused(pattern), why, "{pattern}");
    }
    assert!(refused(r#"{"a": [{"cidr": "10.0.0.0"}]}"#).starts_with("Malformed CIDR"));
}
