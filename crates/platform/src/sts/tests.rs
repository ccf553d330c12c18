use base::Region;

use super::*;
use crate::iam::{self, CredentialRefusal};
use crate::testing::cx;
use crate::{Cx, Principal};
use store::Machines;
use store::testing::each_engine;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"AWS":"arn:aws:iam::123456789012:root","Service":"codebuild.amazonaws.com"}}]}"#;

async fn role(cx: &Cx, name: &str, trust: &str) -> String {
    let input = serde_json::json!({ "RoleName": name, "AssumeRolePolicyDocument": trust, "Path": "/ci/" });
    let output = iam::create_role(cx, serde_json::from_value(input).unwrap()).await.unwrap();
    output.role.arn
}

async fn assume(cx: &Cx, arn: &str, seconds: u64) -> Result<assume_role::Output, base::ApiError> {
    let input = serde_json::json!({ "RoleArn": arn, "RoleSessionName": "s1", "DurationSeconds": seconds });
    assume_role(cx, serde_json::from_value(input).unwrap()).await
}

#[tokio::test]
async fn assumed_credentials_work_until_they_expire_and_survive_a_cold_cache() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let arn = role(&cx, "deploy", TRUST).await;
        let output = assume(&cx, &arn, 900).await.unwrap();
        assert_eq!(output.assumed_role_user.arn, "arn:aws:sts::123456789012:assumed-role/deploy/s1");
        let key = &output.credentials.access_key_id;
        assert!(key.starts_with("ASIA"));
        let token = output.credentials.session_token.expose().as_str();
        cx.credentials.forget();
        let found = cx.credentials.find(&cx.store, key).await.unwrap().unwrap();
        assert_eq!(found.check(Some(token), cx.now()), Ok(()));
        assert_eq!(found.check(Some("other"), cx.now()), Err(CredentialRefusal::Invalid));
        assert_eq!(found.check(None, cx.now()), Err(CredentialRefusal::Invalid));
        let principal = found.principal(base::Partition::Aws);
        assert_eq!(principal.arn, output.assumed_role_user.arn);
        assert_eq!(principal.user_id, output.assumed_role_user.assumed_role_id);
        test.clock.advance(std::time::Duration::from_secs(901));
        assert_eq!(found.check(Some(token), cx.now()), Err(CredentialRefusal::Expired));
        assert_eq!(CredentialRefusal::Expired.for_service("sts").code, "ExpiredToken");
        assert_eq!(CredentialRefusal::Expired.for_service("codebuild").code, "ExpiredTokenException");
    })
    .await;
}

#[tokio::test]
async fn a_role_is_assumed_only_by_whom_it_trusts() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let service_only = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
            "Principal":{"Service":"codebuild.amazonaws.com"}}}"#;
        let arn = role(&cx, "build", service_only).await;
        let refused = assume(&cx, &arn, 900).await.unwrap_err();
        assert_eq!((refused.code, refused.status), ("AccessDenied", Some(403)));
        assert_eq!(
            refused.message,
            format!(
                "User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: {arn}"
            )
        );
        let as_service = cx.as_service("codebuild", cx.scope());
        assert!(assume(&as_service, &arn, 900).await.is_ok());
        let missing = assume(&cx, "arn:aws:iam::123456789012:role/nobody", 900).await.unwrap_err();
        assert_eq!(missing.code, "AccessDenied");
        let wrong_path = assume(&as_service, "arn:aws:iam::123456789012:role/build", 900).await.unwrap_err();
        assert_eq!(wrong_path.code, "AccessDenied");
    })
    .await;
}

#[tokio::test]
async fn durations_and_unsupported_members_are_refused_by_name() {
    let test = store::testing::sqlite(Machines::new()).await;
    let cx = cx(&test);
    let arn = role(&cx, "deploy", TRUST).await;
    assert!(assume(&cx, &arn, 7200).await.unwrap_err().message.contains("MaxSessionDuration"));
    let input = serde_json::json!({ "RoleArn": arn, "RoleSessionName": "s1", "Policy": "{}" });
    let refused = assume_role(&cx, serde_json::from_value(input).unwrap()).await.unwrap_err();
    assert!(refused.message.contains("Policy"), "{refused}");
}

#[tokio::test]
async fn deleting_a_role_ends_its_sessions() {
    let test = store::testing::sqlite(Machines::new()).await;
    let cx = cx(&test);
    let arn = role(&cx, "deploy", TRUST).await;
    let key = assume(&cx, &arn, 900).await.unwrap().credentials.access_key_id;
    assert!(cx.credentials.find(&cx.store, &key).await.unwrap().is_some());
    iam::delete_role(&cx, iam::delete_role::Input { role_name: "deploy".into() }).await.unwrap();
    assert!(cx.credentials.find(&cx.store, &key).await.unwrap().is_none());
}

#[tokio::test]
async fn a_session_token_is_for_lasting_keys_alone() {
    let test = store::testing::sqlite(Machines::new()).await;
    let mut cx = cx(&test);
    let ask = || serde_json::from_value(serde_json::json!({})).unwrap();
    let output = get_session_token(&cx, ask()).await.unwrap();
    let found = cx.credentials.find(&cx.store, &output.credentials.access_key_id).await.unwrap().unwrap();
    let principal = found.principal(Region::parse("cn-north-1").unwrap().partition());
    assert_eq!(principal.arn, "arn:aws-cn:iam::123456789012:root");
    cx.caller.principal = Principal { access_key: Some("ASIAX".into()), ..principal };
    assert_eq!(get_session_token(&cx, ask()).await.unwrap_err().code, "AccessDenied");
}
