use std::sync::Arc;
use std::time::Duration;

use base::ApiError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::Machines;
use store::tables::secretsmanager_version;
use store::testing::{each_engine, sqlite};

use super::*;
use crate::testing::cx;
use crate::{Cx, SealingKey, Site};

const DAY: Duration = Duration::from_secs(86_400);

async fn call<I: DeserializeOwned, O: Serialize>(
    cx: &Cx,
    operation: impl AsyncFn(&Cx, I) -> Result<O, ApiError>,
    input: Value,
) -> Result<Value, ApiError> {
    let output = operation(cx, serde_json::from_value(input).unwrap()).await?;
    Ok(serde_json::to_value(output).unwrap())
}

async fn create(cx: &Cx, name: &str, value: &str) -> Value {
    call(cx, create_secret, json!({"Name": name, "SecretString": value})).await.unwrap()
}

async fn put(cx: &Cx, value: &str, more: Value) -> Value {
    let mut input = json!({"SecretId": "s", "SecretString": value});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(cx, put_secret_value, input).await.unwrap()
}

async fn get(cx: &Cx, id: &str, more: Value) -> Result<String, String> {
    let mut input = json!({"SecretId": id});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let got = call(cx, get_secret_value, input).await.map_err(|e| e.to_string())?;
    Ok(got["SecretString"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_secret_is_read_by_name_by_arn_and_by_the_arn_without_its_end() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let made = create(&cx, "app/db", "hunter2").await;
        let arn = made["ARN"].as_str().unwrap();
        let partial = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app/db";
        assert!(arn.starts_with(&format!("{partial}-")) && arn.len() == partial.len() + 7, "{arn}");
        for id in ["app/db", arn, partial] {
            assert_eq!(get(&cx, id, json!({})).await.as_deref(), Ok("hunter2"), "{id}");
        }
        let elsewhere = arn.replace("eu-central-1", "us-east-1");
        for id in ["app", "app/db2", &elsewhere, &partial[..partial.len() - 1]] {
            let why = get(&cx, id, json!({})).await.unwrap_err();
            assert_eq!(why, "ResourceNotFoundException: Secrets Manager can't find the specified secret.", "{id}");
        }
    })
    .await;
}

#[tokio::test]
async fn values_are_sealed_and_another_installations_key_does_not_open_them() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let made = create(&cx, "s", "hunter2").await;
        let versions = {
            let mut tx = cx.store.read().await.unwrap();
            secretsmanager_version::list(&mut tx, made["ARN"].as_str().unwrap()).await.unwrap()
        };
        assert!(!versions[0].value.windows(7).any(|w| w == b"hunter2"));
        let key = Arc::new(SealingKey::new(&[9; 32]));
        let other = Cx { site: Arc::new(Site { key, ..Site::clone(&cx.site) }), ..cx.clone() };
        let why = get(&other, "s", json!({})).await.unwrap_err();
        assert!(why.starts_with("DecryptionFailure") && why.contains("installation-key"), "{why}");
    })
    .await;
}

#[tokio::test]
async fn the_current_stage_moves_and_the_previous_follows() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        create(&cx, "s", "one").await;
        test.clock.advance(Duration::from_secs(1));
        let two = put(&cx, "two", json!({})).await;
        assert_eq!(two["VersionStages"], json!(["AWSCURRENT"]));
        test.clock.advance(Duration::from_secs(1));
        let three = put(&cx, "three", json!({"VersionStages": ["AWSPENDING"]})).await;
        let stage = |name: &str| json!({"VersionStage": name});
        assert_eq!(get(&cx, "s", json!({})).await.as_deref(), Ok("two"));
        assert_eq!(get(&cx, "s", stage("AWSPREVIOUS")).await.as_deref(), Ok("one"));
        assert_eq!(get(&cx, "s", stage("AWSPENDING")).await.as_deref(), Ok("three"));
        let why = get(&cx, "s", stage("NOPE")).await.unwrap_err();
        assert!(why.ends_with("can't find the specified secret value for staging label: NOPE"), "{why}");
        let both = json!({"VersionId": three["VersionId"], "VersionStage": "AWSCURRENT"});
        assert!(get(&cx, "s", both).await.unwrap_err().starts_with("InvalidRequestException"));
        let id = json!({"VersionId": "0".repeat(36)});
        assert!(get(&cx, "s", id).await.unwrap_err().starts_with("ResourceNotFoundException"));
        let update = |more: Value| {
            let mut input = json!({"SecretId": "s", "VersionStage": "AWSCURRENT"});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        let blind = update(json!({"MoveToVersionId": three["VersionId"]}));
        let why = call(&cx, update_secret_version_stage, blind).await.unwrap_err().message;
        assert!(why.contains("RemoveFromVersionId can't be empty"), "{why}");
        let gone = update(json!({"RemoveFromVersionId": two["VersionId"]}));
        assert!(call(&cx, update_secret_version_stage, gone).await.is_err());
        let moved = update(json!({"MoveToVersionId": three["VersionId"], "RemoveFromVersionId": two["VersionId"]}));
        call(&cx, update_secret_version_stage, moved).await.unwrap();
        assert_eq!(get(&cx, "s", json!({})).await.as_deref(), Ok("three"));
        assert_eq!(get(&cx, "s", stage("AWSPREVIOUS")).await.as_deref(), Ok("two"));
        let shown = call(&cx, list_secret_version_ids, json!({"SecretId": "s"})).await.unwrap();
        assert_eq!(shown["Versions"].as_array().unwrap().len(), 2);
        let all = json!({"SecretId": "s", "IncludeDeprecated": true, "MaxResults": 2});
        let all = call(&cx, list_secret_version_ids, all).await.unwrap();
        let rest = json!({"SecretId": "s", "IncludeDeprecated": true, "NextToken": all["NextToken"]});
        let rest = call(&cx, list_secret_version_ids, rest).await.unwrap();
        assert_eq!(rest["Versions"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_comes_twice_makes_one_version() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let token = "1".repeat(36);
        let input = json!({"Name": "s", "SecretString": "x", "ClientRequestToken": token});
        let made = call(&cx, create_secret, input.clone()).await.unwrap();
        assert_eq!(made["VersionId"], json!(token));
        assert_eq!(call(&cx, create_secret, input).await.unwrap(), made);
        let without = json!({"Name": "s", "SecretString": "x"});
        assert_eq!(call(&cx, create_secret, without).await.unwrap_err().code, "ResourceExistsException");
        let first = put(&cx, "y", json!({"ClientRequestToken": "2".repeat(36)})).await;
        assert_eq!(put(&cx, "y", json!({"ClientRequestToken": "2".repeat(36)})).await, first);
        let other = json!({"SecretId": "s", "SecretString": "z", "ClientRequestToken": "2".repeat(36)});
        assert_eq!(call(&cx, put_secret_value, other).await.unwrap_err().code, "ResourceExistsException");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_secret_can_be_restored_until_its_end() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        create(&cx, "s", "x").await;
        let days = |days: i64| json!({"SecretId": "s", "RecoveryWindowInDays": days});
        assert_eq!(call(&cx, delete_secret, days(6)).await.unwrap_err().code, "InvalidParameterException");
        let deleted = call(&cx, delete_secret, days(7)).await.unwrap();
        assert_eq!(deleted["DeletionDate"], "2024-01-08T00:00:00Z");
        let why = get(&cx, "s", json!({})).await.unwrap_err();
        assert!(why.contains("because it was marked for deletion"), "{why}");
        let taken = call(&cx, create_secret, json!({"Name": "s"})).await.unwrap_err();
        assert!(taken.message.contains("already scheduled for deletion"));
        assert!(call(&cx, describe_secret, json!({"SecretId": "s"})).await.unwrap()["DeletedDate"].is_string());
        let list = async |more: Value| call(&cx, list_secrets, more).await.unwrap()["SecretList"].clone();
        assert_eq!(list(json!({})).await, json!([]));
        assert_eq!(list(json!({"IncludePlannedDeletion": true})).await.as_array().unwrap().len(), 1);
        call(&cx, restore_secret, json!({"SecretId": "s"})).await.unwrap();
        assert_eq!(get(&cx, "s", json!({})).await.as_deref(), Ok("x"));
        call(&cx, delete_secret, days(7)).await.unwrap();
        test.clock.advance(7 * DAY);
        let gone = call(&cx, restore_secret, json!({"SecretId": "s"})).await.unwrap_err();
        assert_eq!(gone.code, "ResourceNotFoundException");
        assert_eq!(sweep(&cx.store).await.unwrap(), 1);
        create(&cx, "s", "again").await;
        assert_eq!(get(&cx, "s", json!({})).await.as_deref(), Ok("again"));
    })
    .await;
}

#[tokio::test]
async fn with_force_a_secret_is_gone_at_once_and_may_never_have_been() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    create(&cx, "s", "x").await;
    let force = json!({"SecretId": "s", "ForceDeleteWithoutRecovery": true});
    call(&cx, delete_secret, force.clone()).await.unwrap();
    assert!(get(&cx, "s", json!({})).await.unwrap_err().starts_with("ResourceNotFoundException"));
    call(&cx, delete_secret, force).await.unwrap();
    let both = json!({"SecretId": "s", "ForceDeleteWithoutRecovery": true, "RecoveryWindowInDays": 7});
    assert_eq!(call(&cx, delete_secret, both).await.unwrap_err().code, "InvalidParameterException");
}

#[tokio::test]
async fn binary_values_stay_binary_and_both_kinds_at_once_are_refused() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    call(&cx, create_secret, json!({"Name": "b", "SecretBinary": "AP8="})).await.unwrap();
    let got = call(&cx, get_secret_value, json!({"SecretId": "b"})).await.unwrap();
    assert_eq!((got["SecretBinary"].as_str(), got.get("SecretString")), (Some("AP8="), None));
    let both = json!({"Name": "c", "SecretBinary": "AP8=", "SecretString": "x"});
    assert_eq!(call(&cx, create_secret, both).await.unwrap_err().code, "InvalidParameterException");
    let neither = json!({"SecretId": "b"});
    assert_eq!(call(&cx, put_secret_value, neither).await.unwrap_err().code, "InvalidRequestException");
    call(&cx, create_secret, json!({"Name": "empty"})).await.unwrap();
    let none = call(&cx, get_secret_value, json!({"SecretId": "empty"})).await.unwrap_err();
    assert!(none.message.ends_with("staging label: AWSCURRENT"), "{none}");
}

#[tokio::test]
async fn a_batch_has_what_was_found_and_says_what_was_not() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    create(&cx, "a", "1").await;
    create(&cx, "b", "2").await;
    let batch = json!({"SecretIdList": ["a", "nope", "b"]});
    let batch = call(&cx, batch_get_secret_value, batch).await.unwrap();
    assert_eq!(batch["SecretValues"].as_array().unwrap().len(), 2);
    assert_eq!(batch["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
    let by_name = json!({"Filters": [{"Key": "name", "Values": ["b"]}]});
    let by_name = call(&cx, batch_get_secret_value, by_name).await.unwrap();
    assert_eq!(by_name["SecretValues"][0]["SecretString"], "2");
    assert!(call(&cx, batch_get_secret_value, json!({})).await.is_err());
}

#[tokio::test]
async fn lists_are_filtered_and_come_page_by_page() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    for (name, team) in [("app/a", "red"), ("app/b", "blue"), ("lib/c", "red")] {
        let tags = json!([{"Key": "team", "Value": team}]);
        let input = json!({"Name": name, "SecretString": "x", "Tags": tags, "Description": format!("the {name}")});
        call(&cx, create_secret, input).await.unwrap();
    }
    let list = async |more: Value| {
        let page = call(&cx, list_secrets, more).await.unwrap();
        let names: Vec<_> =
            page["SecretList"].as_array().unwrap().iter().map(|s| s["Name"].as_str().unwrap().to_owned()).collect();
        (names.join(" "), page.get("NextToken").cloned())
    };
    let (first, token) = list(json!({"MaxResults": 2})).await;
    assert_eq!(first, "app/a app/b");
    assert_eq!(list(json!({"MaxResults": 2, "NextToken": token})).await, ("lib/c".to_owned(), None));
    let filter = |key: &str, value: &str| json!({"Filters": [{"Key": key, "Values": [value]}]});
    assert_eq!(list(filter("tag-value", "red")).await.0, "app/a lib/c");
    assert_eq!(list(filter("name", "!app")).await.0, "lib/c");
    assert_eq!(list(filter("all", "LIB")).await.0, "lib/c");
    call(&cx, untag_resource, json!({"SecretId": "lib/c", "TagKeys": ["team"]})).await.unwrap();
    let tags = json!([{"Key": "team", "Value": "green"}]);
    call(&cx, tag_resource, json!({"SecretId": "app/a", "Tags": tags})).await.unwrap();
    assert_eq!(list(filter("tag-value", "red")).await.0, "");
}

#[tokio::test]
async fn what_is_not_honoured_is_refused_by_name() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    let replicas = json!({"Name": "s", "AddReplicaRegions": [{"Region": "us-east-1"}]});
    let why = call(&cx, create_secret, replicas).await.unwrap_err().message;
    assert!(why.contains("AddReplicaRegions"), "{why}");
    let key = json!({"Name": "s", "KmsKeyId": "alias/mine"});
    assert!(call(&cx, create_secret, key).await.unwrap_err().message.contains("alias/mine"));
    assert_eq!(call(&cx, create_secret, json!({"Name": "a b"})).await.unwrap_err().code, "ValidationException");
    call(&cx, create_secret, json!({"Name": "s", "KmsKeyId": "alias/aws/secretsmanager"})).await.unwrap();
    let shown = call(&cx, describe_secret, json!({"SecretId": "s"})).await.unwrap();
    assert_eq!(shown["KmsKeyId"], "alias/aws/secretsmanager");
}

#[tokio::test]
async fn a_read_is_noted_once_a_day() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    create(&cx, "s", "x").await;
    let accessed = async || {
        let shown = call(&cx, describe_secret, json!({"SecretId": "s"})).await.unwrap();
        shown.get("LastAccessedDate").and_then(Value::as_str).map(str::to_owned)
    };
    assert_eq!(accessed().await, None);
    get(&cx, "s", json!({})).await.unwrap();
    assert_eq!(accessed().await.as_deref(), Some("2024-01-01T00:00:00Z"));
    test.clock.advance(DAY + Duration::from_secs(5));
    get(&cx, "s", json!({})).await.unwrap();
    assert_eq!(accessed().await.as_deref(), Some("2024-01-02T00:00:00Z"));
}

#[tokio::test]
async fn passwords_have_what_was_asked_for() {
    let test = sqlite(Machines::new()).await;
    let cx = Cx { ids: Arc::new(base::RandomIds), ..cx(&test) };
    let make = async |input: Value| {
        let made = call(&cx, get_random_password, input).await;
        made.map(|made| made["RandomPassword"].as_str().unwrap().to_owned()).map_err(|e| e.code)
    };
    let plain = make(json!({})).await.unwrap();
    assert_eq!(plain.chars().count(), 32);
    let digits = json!({"ExcludeLowercase": true, "ExcludeUppercase": true, "ExcludePunctuation": true});
    assert!(make(digits).await.unwrap().chars().all(|c| c.is_ascii_digit()));
    let four = make(json!({"PasswordLength": 4})).await.unwrap();
    assert!(four.chars().any(|c| c.is_ascii_digit()) && four.chars().any(|c| c.is_ascii_uppercase()), "{four}");
    assert_eq!(make(json!({"PasswordLength": 3})).await, Err("InvalidParameterException"));
}
