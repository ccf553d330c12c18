use serde_json::{Value, json};
use store::Machines;
use store::testing::each_engine;

use super::*;

fn input<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

async fn host(cx: &platform::Cx) -> String {
    let create =
        json!({"Name": "our git", "ProviderType": "GitLabSelfManaged", "ProviderEndpoint": "https://git.example.com/"});
    json_of(&create_host::<CodeStarConnections>(cx, input(create)).await.unwrap())["HostArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn connection(cx: &platform::Cx, more: Value) -> Result<String, &'static str> {
    let mut create = json!({"ConnectionName": "app"});
    for (key, value) in more.as_object().unwrap() {
        create[key] = value.clone();
    }
    let made = create_connection::<CodeConnections>(cx, input(create)).await.map_err(|e| e.code)?;
    Ok(json_of(&made)["ConnectionArn"].as_str().unwrap().to_owned())
}

async fn status(cx: &platform::Cx, arn: &str) -> String {
    let got = get_connection(cx, input(json!({"ConnectionArn": arn}))).await.unwrap();
    json_of(&got)["Connection"]["ConnectionStatus"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_connection_is_pending_until_it_has_a_login() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        let host = host(&cx).await;
        assert!(host.starts_with("arn:aws:codestar-connections:") && host.contains(":host/our-git-"), "{host}");
        let arn = connection(&cx, json!({"HostArn": host})).await.unwrap();
        assert!(arn.starts_with("arn:aws:codeconnections:"), "{arn}");
        assert_eq!(status(&cx, &arn).await, "PENDING");
        let error = remote_repository(&cx, &arn, "team/app").await.unwrap_err();
        assert!(error.message.contains("PENDING"), "{}", error.message);
        let tags = json!({"ResourceArn": arn, "Tags": [{"Key": "headworks:secret", "Value": "anonymous"}]});
        tag_resource(&cx, input(tags)).await.unwrap();
        assert_eq!(status(&cx, &arn).await, "AVAILABLE");
        let remote = remote_repository(&cx, &arn, "team/app").await.unwrap();
        assert_eq!(remote.url, "https://git.example.com/team/app.git");
        assert!(remote.login.is_none());
        let update = json!({"HostArn": host, "ProviderEndpoint": "https://new.example.com"});
        update_host(&cx, input(update)).await.unwrap();
        assert_eq!(remote_repository(&cx, &arn, "t/a").await.unwrap().url, "https://new.example.com/t/a.git");
        let untag = json!({"ResourceArn": arn, "TagKeys": ["headworks:secret"]});
        untag_resource(&cx, input(untag)).await.unwrap();
        assert_eq!(status(&cx, &arn).await, "PENDING");
    })
    .await;
}

#[tokio::test]
async fn a_tag_must_name_a_secret_that_holds_a_token() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        let arn = connection(&cx, json!({"ProviderType": "GitHub"})).await.unwrap();
        for bad in ["name-only", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:none-AAAAAA"] {
            let tags = json!({"ResourceArn": arn, "Tags": [{"Key": "headworks:secret", "Value": bad}]});
            let error = tag_resource(&cx, input(tags)).await.err().map(|e| e.code);
            assert_eq!(error, Some("ValidationException"), "{bad}");
        }
        assert_eq!(status(&cx, &arn).await, "PENDING");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_connected_to_is_refused() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        let host = host(&cx).await;
        for (more, code) in [
            (json!({}), "ValidationException"),
            (json!({"ProviderType": "GitHub", "HostArn": host}), "ValidationException"),
            (json!({"ProviderType": "GitLabSelfManaged"}), "ValidationException"),
            (json!({"HostArn": format!("{host}x")}), "ResourceNotFoundException"),
        ] {
            assert_eq!(connection(&cx, more.clone()).await, Err(code), "{more}");
        }
        let vpc = json!({"Name": "h", "ProviderType": "GitLabSelfManaged", "ProviderEndpoint": "https://h", "VpcConfiguration": {"VpcId": "vpc-1"}});
        assert!(create_host::<CodeConnections>(&cx, input(vpc)).await.is_err());
        for endpoint in ["ftp://h", "https://", "https://u:p@h", "https://h/?x"] {
            let create = json!({"Name": "h", "ProviderType": "GitLabSelfManaged", "ProviderEndpoint": endpoint});
            assert!(create_host::<CodeConnections>(&cx, input(create)).await.is_err(), "{endpoint}");
        }
    })
    .await;
}

#[tokio::test]
async fn lists_are_filtered_and_come_in_pages_and_a_host_in_use_stays() {
    each_engine(Machines::new(), |test| async move {
        let cx = platform::testing::cx(&test);
        let host = host(&cx).await;
        let mut ours = Vec::new();
        for _ in 0..3 {
            ours.push(connection(&cx, json!({"HostArn": host})).await.unwrap());
        }
        connection(&cx, json!({"ProviderType": "GitHub"})).await.unwrap();
        let mut found = Vec::new();
        let mut token = Value::Null;
        loop {
            let list = json!({"HostArnFilter": host, "MaxResults": 2, "NextToken": token});
            let page = json_of(&list_connections(&cx, input(list)).await.unwrap());
            found.extend(
                page["Connections"].as_array().unwrap().iter().map(|c| c["ConnectionArn"].as_str().unwrap().to_owned()),
            );
            token = page["NextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        found.sort();
        ours.sort();
        assert_eq!(found, ours);
        let delete = || delete_host(&cx, input(json!({"HostArn": host})));
        assert_eq!(delete().await.err().map(|e| e.code), Some("ResourceUnavailableException"));
        for arn in ours {
            delete_connection(&cx, input(json!({"ConnectionArn": arn}))).await.unwrap();
            let again = delete_connection(&cx, input(json!({"ConnectionArn": arn}))).await;
            assert_eq!(again.err().map(|e| e.code), Some("ResourceNotFoundException"));
        }
        delete().await.unwrap();
        assert_eq!(json_of(&list_hosts(&cx, input(json!({}))).await.unwrap())["Hosts"], json!([]));
    })
    .await;
}
