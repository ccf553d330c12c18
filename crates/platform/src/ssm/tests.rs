use base::ApiError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::Machines;
use store::tables::ssm_version;
use store::testing::{each_engine, sqlite};

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

async fn put(cx: &Cx, name: &str, value: &str) -> Value {
    let input = json!({"Name": name, "Value": value, "Type": "String", "Overwrite": true});
    call(cx, put_parameter, input).await.unwrap()
}

async fn value(cx: &Cx, name: &str) -> Result<String, &'static str> {
    let got = call(cx, get_parameter, json!({"Name": name, "WithDecryption": true})).await.map_err(|e| e.code)?;
    Ok(got["Parameter"]["Value"].as_str().unwrap().to_owned())
}

fn names(page: &Value) -> Vec<&str> {
    page["Parameters"].as_array().unwrap().iter().map(|p| p["Name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_secure_string_is_sealed_in_its_row_and_opens_only_where_it_belongs() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let input = json!({"Name": "/db/password", "Value": "hunter2", "Type": "SecureString"});
        let made = call(&cx, put_parameter, input).await.unwrap();
        assert_eq!(made, json!({"Version": 1, "Tier": "Standard"}));
        assert_eq!(value(&cx, "/db/password").await.unwrap(), "hunter2");
        let sealed = call(&cx, get_parameter, json!({"Name": "/db/password"})).await.unwrap();
        let parameter = &sealed["Parameter"];
        assert_ne!(parameter["Value"], "hunter2");
        assert_eq!(parameter["ARN"], "arn:aws:ssm:eu-central-1:123456789012:parameter/db/password");
        let mut row = {
            let mut tx = cx.store.read().await.unwrap();
            ssm_version::get(&mut tx, cx.scope(), "/db/password", 1).await.unwrap().unwrap()
        };
        assert!(!row.value.windows(7).any(|w| w == b"hunter2"));
        assert_eq!(row.key_id.as_deref(), Some("alias/aws/ssm"));
        row.name = "/stolen".to_owned();
        assert_eq!(super::value::from_column(&cx, &row, true).unwrap_err().code, "InternalServerError");
    })
    .await;
}

#[tokio::test]
async fn versions_and_labels_are_selected_by_name() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        for n in 1..=3 {
            put(&cx, "p", &format!("v{n}")).await;
        }
        let labels = json!({"Name": "p", "ParameterVersion": 2, "Labels": ["prod", "1st", "aws-x"]});
        let labelled = call(&cx, label_parameter_version, labels).await.unwrap();
        assert_eq!(labelled, json!({"InvalidLabels": ["1st", "aws-x"], "ParameterVersion": 2}));
        assert_eq!(value(&cx, "p").await.as_deref(), Ok("v3"));
        assert_eq!(value(&cx, "p:1").await.as_deref(), Ok("v1"));
        assert_eq!(value(&cx, "p:prod").await.as_deref(), Ok("v2"));
        assert_eq!(value(&cx, "arn:aws:ssm:eu-central-1:123456789012:parameter/p:prod").await.as_deref(), Ok("v2"));
        assert_eq!(value(&cx, "p:9").await, Err("ParameterVersionNotFound"));
        assert_eq!(value(&cx, "p:nope").await, Err("ParameterVersionNotFound"));
        assert_eq!(value(&cx, "q").await, Err("ParameterNotFound"));
        // Without a version the newest gets the label, and the other loses it.
        call(&cx, label_parameter_version, json!({"Name": "p", "Labels": ["prod"]})).await.unwrap();
        assert_eq!(value(&cx, "p:prod").await.as_deref(), Ok("v3"));
        let history = call(&cx, get_parameter_history, json!({"Name": "p", "MaxResults": 2})).await.unwrap();
        assert_eq!(history["Parameters"][1]["Labels"], json!([]));
        let rest = json!({"Name": "p", "NextToken": history["NextToken"]});
        let rest = call(&cx, get_parameter_history, rest).await.unwrap();
        assert_eq!(rest["Parameters"][0]["Labels"], json!(["prod"]));
        assert_eq!(rest["Parameters"].as_array().unwrap().len(), 1);
        let removed = json!({"Name": "p", "ParameterVersion": 3, "Labels": ["prod", "other"]});
        let removed = call(&cx, unlabel_parameter_version, removed).await.unwrap();
        assert_eq!(removed, json!({"RemovedLabels": ["prod"], "InvalidLabels": ["other"]}));
    })
    .await;
}

#[tokio::test]
async fn a_parameter_is_not_overwritten_by_accident_and_keeps_its_type() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    let input = json!({"Name": "p", "Value": "x", "Type": "String", "Description": "d"});
    call(&cx, put_parameter, input.clone()).await.unwrap();
    let again = call(&cx, put_parameter, input).await.unwrap_err();
    assert_eq!(again.code, "ParameterAlreadyExists");
    let other = json!({"Name": "p", "Value": "x", "Type": "SecureString", "Overwrite": true});
    assert_eq!(call(&cx, put_parameter, other).await.unwrap_err().code, "HierarchyTypeMismatchException");
    let kept = json!({"Name": "p", "Value": "y", "Overwrite": true});
    assert_eq!(call(&cx, put_parameter, kept).await.unwrap()["Version"], 2);
    let described = call(&cx, describe_parameters, json!({})).await.unwrap();
    assert_eq!(described["Parameters"][0]["Description"], "d");
    assert_eq!(described["Parameters"][0]["Type"], "String");
    let no_type = call(&cx, put_parameter, json!({"Name": "new", "Value": "x"})).await.unwrap_err();
    assert_eq!(no_type.message, "A parameter type is required when you create a parameter.");
}

#[tokio::test]
async fn what_is_not_honoured_is_refused_by_name() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    let code = async |more: Value| {
        let mut input = json!({"Name": "p", "Value": "x", "Type": "SecureString"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&cx, put_parameter, input).await.map_err(|e| e.code)
    };
    assert_eq!(code(json!({"KeyId": "alias/mine"})).await, Err("InvalidKeyId"));
    assert_eq!(code(json!({"Policies": "[{\"Type\":\"Expiration\"}]"})).await, Err("ValidationException"));
    assert_eq!(code(json!({"DataType": "aws:ec2:image"})).await, Err("ValidationException"));
    assert_eq!(code(json!({"Type": "String", "KeyId": "alias/aws/ssm"})).await, Err("ValidationException"));
    assert_eq!(code(json!({"Value": ""})).await, Err("ValidationException"));
    assert_eq!(code(json!({"Value": "x".repeat(4097)})).await, Err("ValidationException"));
    assert_eq!(code(json!({"AllowedPattern": "["})).await, Err("InvalidAllowedPatternException"));
    assert_eq!(code(json!({"AllowedPattern": "\\d+"})).await, Err("ParameterPatternMismatchException"));
    let large = json!({"Value": "x".repeat(4097), "Tier": "Intelligent-Tiering", "KeyId": "alias/aws/ssm"});
    assert_eq!(code(large).await.unwrap()["Tier"], "Advanced");
    let smaller = code(json!({"Overwrite": true, "Tier": "Standard"})).await;
    assert_eq!(smaller, Err("ValidationException"), "an advanced parameter stays advanced");
}

#[tokio::test]
async fn a_path_lists_its_children_page_by_page() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        for name in ["/app/a", "/app/b", "/app/sub/c", "/apple/d", "plain"] {
            put(&cx, name, name).await;
        }
        let list = async |more: Value| {
            let mut input = json!({"Path": "/app"});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            call(&cx, get_parameters_by_path, input).await.unwrap()
        };
        assert_eq!(names(&list(json!({})).await), ["/app/a", "/app/b"]);
        assert_eq!(names(&list(json!({"Recursive": true})).await), ["/app/a", "/app/b", "/app/sub/c"]);
        let mut all = Vec::new();
        let mut input = json!({"Recursive": true, "MaxResults": 1});
        loop {
            let page = list(input.clone()).await;
            all.extend(names(&page).into_iter().map(str::to_owned));
            match page.get("NextToken") {
                Some(token) => input["NextToken"] = token.clone(),
                None => break,
            }
        }
        assert_eq!(all, ["/app/a", "/app/b", "/app/sub/c"]);
        assert_eq!(names(&list(json!({"Path": "/", "Recursive": true})).await).len(), 5);
        assert_eq!(names(&list(json!({"Path": "/"})).await), ["plain"]);
        let wrong = call(&cx, get_parameters_by_path, json!({"Path": "app"})).await.unwrap_err();
        assert_eq!(wrong.code, "ValidationException");
        let token = json!({"Path": "/app", "NextToken": "xyz"});
        assert_eq!(call(&cx, get_parameters_by_path, token).await.unwrap_err().code, "InvalidNextToken");
    })
    .await;
}

#[tokio::test]
async fn filters_find_by_type_name_tag_and_path() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    put(&cx, "/a/one", "1").await;
    put(&cx, "/b/two", "2").await;
    let secure = json!({
        "Name": "/a/three", "Value": "3", "Type": "SecureString", "Tags": [{"Key": "team", "Value": "red"}],
    });
    call(&cx, put_parameter, secure).await.unwrap();
    let find = async |filter: Value| {
        let found = call(&cx, describe_parameters, json!({"ParameterFilters": [filter]})).await;
        found.map(|page| names(&page).join(" ")).map_err(|e| e.code)
    };
    let ok = |text: &str| Ok(text.to_owned());
    assert_eq!(find(json!({"Key": "Type", "Values": ["SecureString"]})).await, ok("/a/three"));
    assert_eq!(find(json!({"Key": "tag:team", "Values": ["red"]})).await, ok("/a/three"));
    assert_eq!(find(json!({"Key": "tag:team", "Values": ["blue"]})).await, ok(""));
    assert_eq!(find(json!({"Key": "Path", "Option": "Recursive", "Values": ["/a"]})).await, ok("/a/one /a/three"));
    assert_eq!(find(json!({"Key": "Name", "Option": "Contains", "Values": ["wo"]})).await, ok("/b/two"));
    assert_eq!(find(json!({"Key": "Name", "Option": "BeginsWith", "Values": ["/a"]})).await, ok("/a/one /a/three"));
    assert_eq!(find(json!({"Key": "Colour", "Values": ["x"]})).await, Err("InvalidFilterKey"));
    assert_eq!(find(json!({"Key": "Type", "Option": "Near", "Values": ["x"]})).await, Err("InvalidFilterOption"));
    assert_eq!(find(json!({"Key": "Name"})).await, Err("InvalidFilterValue"));
}

#[tokio::test]
async fn what_is_asked_for_and_not_there_is_listed() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    put(&cx, "a", "1").await;
    let got = call(&cx, get_parameters, json!({"Names": ["a", "b", "a:7"]})).await.unwrap();
    assert_eq!((names(&got), &got["InvalidParameters"]), (vec!["a"], &json!(["b", "a:7"])));
    let gone = call(&cx, delete_parameters, json!({"Names": ["a", "b"]})).await.unwrap();
    assert_eq!(gone, json!({"DeletedParameters": ["a"], "InvalidParameters": ["b"]}));
    let again = call(&cx, delete_parameter, json!({"Name": "a"})).await.unwrap_err();
    assert_eq!(again.code, "ParameterNotFound");
    // A name that is used again begins anew.
    assert_eq!(put(&cx, "a", "2").await["Version"], 1);
}

#[tokio::test]
async fn a_hundred_versions_are_kept_and_a_label_protects_the_oldest() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    for n in 1..=101 {
        put(&cx, "p", &n.to_string()).await;
    }
    assert_eq!(value(&cx, "p:1").await, Err("ParameterVersionNotFound"));
    assert_eq!(value(&cx, "p:2").await.as_deref(), Ok("2"));
    call(&cx, label_parameter_version, json!({"Name": "p", "ParameterVersion": 2, "Labels": ["x"]})).await.unwrap();
    let full = call(&cx, put_parameter, json!({"Name": "p", "Value": "x", "Overwrite": true})).await.unwrap_err();
    assert_eq!(full.code, "ParameterMaxVersionLimitExceeded");
}

#[tokio::test]
async fn tags_come_and_go() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    put(&cx, "p", "x").await;
    let on = json!({"ResourceType": "Parameter", "ResourceId": "p"});
    let with = |more: Value| {
        let mut input = on.clone();
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let tags = json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]});
    call(&cx, add_tags_to_resource, with(tags)).await.unwrap();
    call(&cx, remove_tags_from_resource, with(json!({"TagKeys": ["a", "c"]}))).await.unwrap();
    let left = call(&cx, list_tags_for_resource, on.clone()).await.unwrap();
    assert_eq!(left["TagList"], json!([{"Key": "b", "Value": "2"}]));
    let other = json!({"ResourceType": "Document", "ResourceId": "p"});
    assert_eq!(call(&cx, list_tags_for_resource, other).await.unwrap_err().code, "InvalidResourceType");
    let nobody = json!({"ResourceType": "Parameter", "ResourceId": "q"});
    assert_eq!(call(&cx, list_tags_for_resource, nobody).await.unwrap_err().code, "InvalidResourceId");
}
