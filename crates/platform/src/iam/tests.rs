use base::ApiError;
use engine::access::Enforcement;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::Machines;
use store::testing::{each_engine, sqlite};

use super::authorize::authorize_by;
use super::*;
use crate::needs::{self, Asked};
use crate::testing::cx;
use crate::{Cx, Principal};

/// Calls an operation with and for JSON, as the registry does.
async fn call<I: DeserializeOwned, O: Serialize>(
    cx: &Cx,
    operation: impl AsyncFn(&Cx, I) -> Result<O, ApiError>,
    input: Value,
) -> Result<Value, ApiError> {
    let output = operation(cx, serde_json::from_value(input).unwrap()).await?;
    Ok(serde_json::to_value(output).unwrap())
}

fn code(result: Result<Value, ApiError>) -> String {
    result.unwrap_err().code.to_owned()
}

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
    "Principal":{"Service":"codebuild.amazonaws.com"}}]}"#;
const READ: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#;

#[tokio::test]
async fn a_user_lives_from_creation_over_renaming_to_deletion() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let made = call(&cx, create_user, json!({"UserName": "Alice", "Path": "/dev/"})).await.unwrap();
        assert_eq!(made["User"]["Arn"], "arn:aws:iam::123456789012:user/dev/Alice");
        assert_eq!(code(call(&cx, create_user, json!({"UserName": "alice"})).await), "EntityAlreadyExists");
        let tags = json!({"UserName": "Alice", "Tags": [{"Key": "a", "Value": "1"}]});
        call(&cx, tag_user, tags).await.unwrap();
        call(&cx, update_user, json!({"UserName": "Alice", "NewUserName": "bob"})).await.unwrap();
        let bob = call(&cx, get_user, json!({"UserName": "bob"})).await.unwrap();
        assert_eq!(bob["User"]["UserId"], made["User"]["UserId"]);
        assert_eq!(bob["User"]["Tags"], json!([{"Key": "a", "Value": "1"}]));
        let gone = call(&cx, get_user, json!({"UserName": "Alice"})).await.unwrap_err();
        assert_eq!(gone.to_string(), "NoSuchEntity: The user with name Alice cannot be found.");
        let policy = json!({"UserName": "bob", "PolicyName": "p", "PolicyDocument": READ});
        call(&cx, put_user_policy, policy).await.unwrap();
        let conflict = call(&cx, delete_user, json!({"UserName": "bob"})).await.unwrap_err();
        assert_eq!(conflict.to_string(), "DeleteConflict: Cannot delete entity, must delete policies first.");
        call(&cx, delete_user_policy, json!({"UserName": "bob", "PolicyName": "p"})).await.unwrap();
        call(&cx, delete_user, json!({"UserName": "bob"})).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_key_is_found_at_once_and_refused_as_soon_as_it_is_inactive_or_gone() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        call(&cx, create_user, json!({"UserName": "alice"})).await.unwrap();
        let made = call(&cx, create_access_key, json!({"UserName": "alice"})).await.unwrap();
        let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned();
        let found = cx.credentials.find(&cx.store, &id).await.unwrap().unwrap();
        assert_eq!(found.secret.expose(), made["AccessKey"]["SecretAccessKey"].as_str().unwrap());
        assert_eq!(found.check(None, cx.now()), Ok(()));
        assert_eq!(found.principal(base::Partition::Aws).arn, "arn:aws:iam::123456789012:user/alice");
        assert!(found.use_is_news(cx.now()));
        assert!(!found.use_is_news(cx.now()));
        note_use(&cx.store, &id, "s3", "eu-central-1", cx.now()).await.unwrap();
        let last = call(&cx, get_access_key_last_used, json!({"AccessKeyId": id})).await.unwrap();
        assert_eq!(last["AccessKeyLastUsed"]["ServiceName"], "s3");
        let off = json!({"UserName": "alice", "AccessKeyId": id, "Status": "Inactive"});
        call(&cx, update_access_key, off).await.unwrap();
        let found = cx.credentials.find(&cx.store, &id).await.unwrap().unwrap();
        assert_eq!(found.check(None, cx.now()), Err(CredentialRefusal::Invalid));
        call(&cx, create_access_key, json!({"UserName": "alice"})).await.unwrap();
        assert_eq!(code(call(&cx, create_access_key, json!({"UserName": "alice"})).await), "LimitExceeded");
        let keys = call(&cx, list_access_keys, json!({"UserName": "alice"})).await.unwrap();
        assert_eq!(keys["AccessKeyMetadata"].as_array().unwrap().len(), 2);
        let delete = json!({"UserName": "alice", "AccessKeyId": id});
        call(&cx, delete_access_key, delete.clone()).await.unwrap();
        assert!(cx.credentials.find(&cx.store, &id).await.unwrap().is_none());
        assert_eq!(code(call(&cx, delete_access_key, delete).await), "NoSuchEntity");
    })
    .await;
}

#[tokio::test]
async fn a_change_by_another_server_is_seen_after_a_few_seconds() {
    let test = sqlite(Machines::new()).await;
    let here = cx(&test);
    let mut there = here.clone();
    there.credentials = std::sync::Arc::default();
    call(&here, create_user, json!({"UserName": "alice"})).await.unwrap();
    let made = call(&here, create_access_key, json!({"UserName": "alice"})).await.unwrap();
    let id = made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned();
    assert!(here.credentials.find(&here.store, &id).await.unwrap().is_some());
    call(&there, delete_access_key, json!({"UserName": "alice", "AccessKeyId": id})).await.unwrap();
    test.clock.advance(std::time::Duration::from_secs(6));
    assert!(here.credentials.find(&here.store, &id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_role_reads_back_as_terraform_expects_it() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let input = json!({"RoleName": "ci", "AssumeRolePolicyDocument": TRUST, "Tags": [{"Key": "k", "Value": "v"}]});
        test.clock.advance(std::time::Duration::from_micros(1_234_567));
        let made = call(&cx, create_role, input).await.unwrap();
        // CreateRole does not repeat these; GetRole has them.
        for member in ["Description", "MaxSessionDuration", "RoleLastUsed"] {
            assert!(made["Role"].get(member).is_none(), "{member}");
        }
        assert_eq!(made["Role"]["Tags"], json!([{"Key": "k", "Value": "v"}]));
        let date = made["Role"]["CreateDate"].as_str().unwrap();
        assert_eq!(date.len(), "2017-07-14T02:40:00Z".len(), "whole seconds: {date}");
        let role = call(&cx, get_role, json!({"RoleName": "ci"})).await.unwrap();
        assert_eq!(role["Role"]["CreateDate"], date);
        let document = role["Role"]["AssumeRolePolicyDocument"].as_str().unwrap();
        assert!(document.starts_with("%7B%22Version%22%3A%222012-10-17%22"), "{document}");
        assert_eq!(role["Role"]["MaxSessionDuration"], 3600);
        let bad = json!({"RoleName": "x", "AssumeRolePolicyDocument": "{}"});
        assert_eq!(code(call(&cx, create_role, bad).await), "MalformedPolicyDocument");
        let attach = json!({"RoleName": "ci", "PolicyArn": "arn:aws:iam::aws:policy/AWSCodeBuildAdminAccess"});
        call(&cx, attach_role_policy, attach.clone()).await.unwrap();
        call(&cx, attach_role_policy, attach.clone()).await.unwrap();
        let listed = call(&cx, list_attached_role_policies, json!({"RoleName": "ci"})).await.unwrap();
        assert_eq!(listed["AttachedPolicies"].as_array().unwrap().len(), 1);
        let unknown = json!({"RoleName": "ci", "PolicyArn": "arn:aws:iam::aws:policy/NoSuchPolicy"});
        assert_eq!(code(call(&cx, attach_role_policy, unknown).await), "NoSuchEntity");
        let profiles = call(&cx, list_instance_profiles_for_role, json!({"RoleName": "ci"})).await.unwrap();
        assert_eq!(profiles["InstanceProfiles"], json!([]));
        assert_eq!(code(call(&cx, delete_role, json!({"RoleName": "ci"})).await), "DeleteConflict");
        call(&cx, detach_role_policy, attach.clone()).await.unwrap();
        assert_eq!(code(call(&cx, detach_role_policy, attach).await), "NoSuchEntity");
        call(&cx, delete_role, json!({"RoleName": "ci"})).await.unwrap();
        assert_eq!(code(call(&cx, get_role, json!({"RoleName": "ci"})).await), "NoSuchEntity");
    })
    .await;
}

#[tokio::test]
async fn a_managed_policy_has_versions_and_goes_only_when_nobody_uses_it() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let made = call(&cx, create_policy, json!({"PolicyName": "p", "PolicyDocument": READ})).await.unwrap();
        let arn = made["Policy"]["Arn"].as_str().unwrap().to_owned();
        assert_eq!(arn, "arn:aws:iam::123456789012:policy/p");
        for n in 2..=5 {
            let input = json!({"PolicyArn": arn, "PolicyDocument": READ, "SetAsDefault": n == 3});
            call(&cx, create_policy_version, input).await.unwrap();
        }
        let sixth = json!({"PolicyArn": arn, "PolicyDocument": READ});
        assert_eq!(code(call(&cx, create_policy_version, sixth).await), "LimitExceeded");
        let policy = call(&cx, get_policy, json!({"PolicyArn": arn})).await.unwrap();
        assert_eq!(policy["Policy"]["DefaultVersionId"], "v3");
        let default = json!({"PolicyArn": arn, "VersionId": "v3"});
        assert_eq!(code(call(&cx, delete_policy_version, default).await), "DeleteConflict");
        assert_eq!(code(call(&cx, delete_policy, json!({"PolicyArn": arn})).await), "DeleteConflict");
        for version in ["v1", "v2", "v4", "v5"] {
            call(&cx, delete_policy_version, json!({"PolicyArn": arn, "VersionId": version})).await.unwrap();
        }
        call(&cx, create_user, json!({"UserName": "u"})).await.unwrap();
        call(&cx, attach_user_policy, json!({"UserName": "u", "PolicyArn": arn})).await.unwrap();
        let entities = call(&cx, list_entities_for_policy, json!({"PolicyArn": arn})).await.unwrap();
        assert_eq!(entities["PolicyUsers"][0]["UserName"], "u");
        assert_eq!(code(call(&cx, delete_policy, json!({"PolicyArn": arn})).await), "DeleteConflict");
        call(&cx, detach_user_policy, json!({"UserName": "u", "PolicyArn": arn})).await.unwrap();
        call(&cx, delete_policy, json!({"PolicyArn": arn})).await.unwrap();
        assert_eq!(code(call(&cx, get_policy, json!({"PolicyArn": arn})).await), "NoSuchEntity");
    })
    .await;
}

#[tokio::test]
async fn pages_join_to_the_whole_list_and_a_strange_marker_is_refused() {
    let test = sqlite(Machines::new()).await;
    let cx = cx(&test);
    for n in 0..7 {
        call(&cx, create_user, json!({"UserName": format!("User{n}")})).await.unwrap();
    }
    let (mut names, mut marker) = (Vec::new(), Value::Null);
    loop {
        let page = call(&cx, list_users, json!({"MaxItems": 3, "Marker": marker})).await.unwrap();
        names.extend(page["Users"].as_array().unwrap().iter().map(|u| u["UserName"].as_str().unwrap().to_owned()));
        if page["IsTruncated"] == false {
            break;
        }
        marker = page["Marker"].clone();
    }
    assert_eq!(names, (0..7).map(|n| format!("User{n}")).collect::<Vec<_>>());
    assert_eq!(code(call(&cx, list_roles, json!({"Marker": marker})).await), "ValidationError");
}

#[tokio::test]
async fn a_git_password_signs_in_until_it_is_reset_or_inactive() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let service = "codecommit.amazonaws.com";
        call(&cx, create_user, json!({"UserName": "dev"})).await.unwrap();
        let input = json!({"UserName": "dev", "ServiceName": service});
        let made = call(&cx, create_service_specific_credential, input.clone()).await.unwrap();
        let made = made["ServiceSpecificCredential"].clone();
        assert_eq!(made["ServiceUserName"], "dev-at-123456789012");
        let second = call(&cx, create_service_specific_credential, input.clone()).await.unwrap();
        assert_eq!(second["ServiceSpecificCredential"]["ServiceUserName"], "dev+1-at-123456789012");
        assert_eq!(code(call(&cx, create_service_specific_credential, input).await), "LimitExceeded");
        let sign_in = async |password: &Value| {
            sign_in(&cx.store, service, "dev-at-123456789012", password.as_str().unwrap()).await.unwrap()
        };
        let (account, owner) = sign_in(&made["ServicePassword"]).await.unwrap();
        assert_eq!(account.as_str(), "123456789012");
        assert!(matches!(owner, Owner::User { name, .. } if name == "dev"));
        assert!(sign_in(&json!("wrong")).await.is_none());
        let id = json!({"UserName": "dev", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"]});
        let reset = call(&cx, reset_service_specific_credential, id.clone()).await.unwrap();
        assert!(sign_in(&made["ServicePassword"]).await.is_none());
        assert!(sign_in(&reset["ServiceSpecificCredential"]["ServicePassword"]).await.is_some());
        let mut off = id;
        off["Status"] = json!("Inactive");
        call(&cx, update_service_specific_credential, off).await.unwrap();
        assert!(sign_in(&reset["ServiceSpecificCredential"]["ServicePassword"]).await.is_none());
        let listed = call(&cx, list_service_specific_credentials, json!({"UserName": "dev"})).await.unwrap();
        assert!(listed["ServiceSpecificCredentials"][0].get("ServicePassword").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_root_key_signs_for_its_account_however_often_it_is_brought_up() {
    each_engine(Machines::new(), |test| async move {
        let cx = cx(&test);
        let key = new_root_key(cx.ids.as_ref());
        let account = cx.scope().account.clone();
        for _ in 0..2 {
            bootstrap_root(&cx.store, &account, &key).await.unwrap();
        }
        let found = cx.credentials.find(&cx.store, &key.access_key).await.unwrap().unwrap();
        assert_eq!(found.principal(base::Partition::Aws).user_id, "123456789012");
        let other = base::AccountId::parse("210987654321").unwrap();
        let theirs = create_account(&cx.store, cx.ids.as_ref(), &other, "second").await.unwrap();
        let found = cx.credentials.find(&cx.store, &theirs.access_key).await.unwrap().unwrap();
        assert_eq!(found.account, other);
        assert!(create_account(&cx.store, cx.ids.as_ref(), &other, "again").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn enforcement_reads_inline_and_attached_policies() {
    let test = sqlite(Machines::new()).await;
    let mut cx = cx(&test);
    let made = call(&cx, create_user, json!({"UserName": "alice"})).await.unwrap();
    let root = cx.clone();
    let text = |key: &str| made["User"][key].as_str().unwrap().to_owned();
    cx.caller.principal = Principal { arn: text("Arn"), user_id: text("UserId"), access_key: None, rights: None };
    let need = [Need::new("s3:GetObject", "*")];
    let ask = async |enforcement| authorize_by(&cx, enforcement, &need).await;
    assert!(ask(Enforcement::Builds).await.is_ok());
    let refused = ask(Enforcement::On).await.unwrap_err();
    assert_eq!(
        refused.message,
        "User: arn:aws:iam::123456789012:user/alice is not authorized to perform: s3:GetObject on resource: * \
         because no identity-based policy allows the s3:GetObject action"
    );
    let arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    call(&root, attach_user_policy, json!({"UserName": "alice", "PolicyArn": arn})).await.unwrap();
    assert!(ask(Enforcement::On).await.is_ok());
    let deny = r#"{"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    let input = json!({"UserName": "alice", "PolicyName": "d", "PolicyDocument": deny});
    call(&root, put_user_policy, input).await.unwrap();
    assert!(ask(Enforcement::On).await.is_err());
}

/// The context of a build's session of a new role with this path.
async fn build_session(cx: &Cx, name: &str) -> Cx {
    let trust = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"Service":"codebuild.amazonaws.com","AWS":"123456789012"}}}"#;
    let input = json!({"RoleName": name, "Path": "/ci/", "AssumeRolePolicyDocument": trust});
    call(cx, create_role, input).await.unwrap();
    let service = cx.as_service("codebuild", cx.scope());
    as_role(&service, name, "AWSCodeBuild-0").await.unwrap()
}

async fn as_role(cx: &Cx, name: &str, session: &str) -> Result<Cx, ApiError> {
    let input = json!({"RoleArn": format!("arn:aws:iam::123456789012:role/ci/{name}"), "RoleSessionName": session});
    let input = serde_json::from_value(input).unwrap();
    let key = crate::sts::assume_role(cx, input).await?.credentials.access_key_id;
    let mut cx = cx.clone();
    cx.caller.principal = cx.credentials.find(&cx.store, &key).await?.unwrap().principal(base::Partition::Aws);
    Ok(cx)
}

#[tokio::test]
async fn a_build_whose_role_has_no_policies_may_only_ask_who_it_is() {
    each_engine(Machines::new(), |test| async move {
        let root = cx(&test);
        let build = build_session(&root, "b").await;
        let ask = async |cx: &Cx, action: &str| authorize(cx, &[Need::new(action, "*")]).await;
        ask(&build, "sts:GetCallerIdentity").await.unwrap();
        for action in
            ["codebuild:StartBuild", "codepipeline:PutApprovalResult", "codecommit:GitPush", "ssm:GetParameter"]
        {
            assert_eq!(ask(&build, action).await.unwrap_err().code, "AccessDeniedException", "{action}");
            ask(&root, action).await.unwrap();
        }
        for action in ["iam:CreateAccessKey", "iam:GetRole", "sts:AssumeRole", "sts:GetSessionToken"] {
            let refused = ask(&build, action).await.unwrap_err();
            assert_eq!((refused.code, refused.status), ("AccessDenied", Some(403)), "{action}");
            assert_eq!(
                refused.message,
                format!(
                    "User: arn:aws:sts::123456789012:assumed-role/b/AWSCodeBuild-0 is not authorized to perform: \
                     {action} on resource: * because no identity-based policy allows the {action} action"
                )
            );
            ask(&root, action).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_with_rights_has_those_that_its_role_had() {
    let test = sqlite(Machines::new()).await;
    let root = cx(&test);
    build_session(&root, "b").await;
    let session = async || {
        as_session(&root, root.scope(), "arn:aws:iam::123456789012:role/ci/b", "AWSCodePipeline-0").await.unwrap()
    };
    let ask = async |cx: &Cx| authorize(cx, &[Need::new("s3:GetObject", "*")]).await;
    let before = with_rights(session().await).await.unwrap();
    assert!(ask(&before).await.is_err());
    let allow = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    call(&root, put_role_policy, json!({"RoleName": "b", "PolicyName": "p", "PolicyDocument": allow})).await.unwrap();
    assert!(ask(&before).await.is_err());
    let after = with_rights(session().await).await.unwrap();
    assert!(ask(&after).await.is_ok());
    assert!(ask(&as_nobody(&after)).await.is_err());
    assert_ne!(before.caller.principal, after.caller.principal);
}

#[tokio::test]
async fn a_build_whose_role_has_policies_is_held_to_them() {
    each_engine(Machines::new(), |test| async move {
        let root = cx(&test);
        let build = build_session(&root, "b").await;
        let document = r#"{"Statement":[
            {"Effect":"Allow","Action":["s3:GetObject","iam:GetRole"],
             "Resource":["arn:aws:s3:::site/*","arn:aws:iam::123456789012:role/ci/*"]},
            {"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::site/secret/*"}]}"#;
        let input = json!({"RoleName": "b", "PolicyName": "p", "PolicyDocument": document});
        call(&root, put_role_policy, input).await.unwrap();
        let ask = async |service: &str, operation: &str, input: Value| {
            let table = match service {
                "s3" => needs::s3::needs,
                "iam" => needs::iam::needs,
                _ => needs::sts::needs,
            };
            let asked = Asked { scope: build.scope(), service, operation, input: &input };
            authorize(&build, &table(&asked).unwrap()).await
        };
        ask("s3", "HeadObject", json!({"Bucket": "site", "Key": "a"})).await.unwrap();
        ask("iam", "GetRole", json!({"RoleName": "b"})).await.unwrap();
        ask("sts", "GetCallerIdentity", json!({})).await.unwrap();
        let refused = ask("s3", "GetObject", json!({"Bucket": "site", "Key": "secret/a"})).await.unwrap_err();
        assert!(refused.message.ends_with("with an explicit deny in an identity-based policy"), "{refused}");
        assert_eq!(
            ask("s3", "PutObject", json!({"Bucket": "site", "Key": "a"})).await.unwrap_err().code,
            "AccessDenied"
        );
        let start = [Need::new("codebuild:StartBuild", "arn:aws:codebuild:us-east-1:123456789012:project/other")];
        let refused = authorize(&build, &start).await.unwrap_err();
        assert_eq!((refused.code, refused.status), ("AccessDeniedException", Some(400)));
        assert!(ask("iam", "CreateUser", json!({"UserName": "me"})).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_last_policy_that_goes_from_a_role_leaves_its_builds_less_and_not_more() {
    each_engine(Machines::new(), |test| async move {
        let root = cx(&test);
        let build = build_session(&root, "b").await;
        let policy = json!({"RoleName": "b", "PolicyName": "p", "PolicyDocument": READ});
        call(&root, put_role_policy, policy).await.unwrap();
        let ask = async |action: &str| authorize(&build, &[Need::new(action, "*")]).await;
        ask("s3:GetObject").await.unwrap();
        assert!(ask("s3:PutObject").await.is_err());
        call(&root, delete_role_policy, json!({"RoleName": "b", "PolicyName": "p"})).await.unwrap();
        assert!(ask("s3:GetObject").await.is_err());
        assert!(ask("s3:PutObject").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_role_is_passed_by_its_whole_name_and_to_the_service_that_the_policy_names() {
    each_engine(Machines::new(), |test| async move {
        let root = cx(&test);
        let build = build_session(&root, "b").await;
        let document = r#"{"Statement":[{"Effect":"Allow","Action":"iam:PassRole",
            "Resource":"arn:aws:iam::123456789012:role/ci/*",
            "Condition":{"StringEquals":{"iam:PassedToService":"codebuild.amazonaws.com"}}}]}"#;
        let input = json!({"RoleName": "b", "PolicyName": "p", "PolicyDocument": document});
        call(&root, put_role_policy, input).await.unwrap();
        let (input, scope) = (json!({}), build.scope());
        let asked = Asked { scope, service: "codebuild", operation: "CreateProject", input: &input };
        let pass = async |role: &str, service: &str| {
            let role = format!("arn:aws:iam::123456789012:role/{role}");
            authorize(&build, &[asked.pass_role(&role, service)]).await
        };
        pass("ci/b", "codebuild").await.unwrap();
        assert!(pass("ci/b", "codepipeline").await.is_err());
        assert!(pass("strong", "codebuild").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_build_that_may_assume_a_role_stays_a_build() {
    each_engine(Machines::new(), |test| async move {
        let root = cx(&test);
        let build = build_session(&root, "b").await;
        build_session(&root, "deploy").await;
        let deploy = as_role(&build, "deploy", "innocent").await.unwrap();
        let create = [Need::new("iam:CreateUser", "*")];
        assert!(authorize(&deploy, &create).await.is_err());
        let again = as_role(&deploy, "deploy", "innocent").await.unwrap();
        assert!(authorize(&again, &create).await.is_err());
        let person = as_role(&root, "deploy", "innocent").await.unwrap();
        authorize(&person, &create).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_done_to_a_notification_rule_is_done_for_the_resource_that_it_tells_of() {
    each_engine(Machines::new(), |test| async move {
        let root = cx(&test);
        let build = build_session(&root, "b").await;
        let row = store::tables::codestar_notifications_rule::Row {
            scope: root.scope().clone(),
            id: "1".to_owned(),
            name: "kept".to_owned(),
            resource: "arn:aws:codepipeline:eu-central-1:123456789012:kept".to_owned(),
            detail_type: "FULL".to_owned(),
            status: "ENABLED".to_owned(),
            event_types: Vec::new(),
            created_by: String::new(),
            request: String::new(),
            created: root.now(),
            modified: root.now(),
            tags: Default::default(),
        };
        let free = store::tables::codestar_notifications_rule::Row {
            id: "2".to_owned(),
            name: "free".to_owned(),
            resource: "arn:aws:codepipeline:eu-central-1:123456789012:free".to_owned(),
            ..row.clone()
        };
        let insert = root.store.write(move |tx| {
            let rows = [row.clone(), free.clone()];
            Box::pin(async move {
                for row in rows {
                    assert!(store::tables::codestar_notifications_rule::insert(tx, &row).await?);
                }
                Ok::<_, store::Error>(())
            })
        });
        insert.await.unwrap();
        let condition = r#""Condition":{"ArnEquals":
            {"codestar-notifications:NotificationsForResource":"arn:aws:codepipeline:eu-central-1:123456789012:kept"}}"#;
        let document = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Action":"codestar-notifications:*","Resource":"*"}},
                {{"Effect":"Deny","Action":"codestar-notifications:*","Resource":"*",{condition}}}]}}"#
        );
        let input = json!({"RoleName": "b", "PolicyName": "p", "PolicyDocument": document});
        call(&root, put_role_policy, input).await.unwrap();
        for operation in
            ["DescribeNotificationRule", "UpdateNotificationRule", "DeleteNotificationRule", "Subscribe", "Unsubscribe"]
        {
            let ask = async |id: &str| {
                let rule = format!("arn:aws:codestar-notifications:eu-central-1:123456789012:notificationrule/{id}");
                authorize(&build, &[Need::new(format!("codestar-notifications:{operation}"), rule)]).await
            };
            let refused = ask("1").await.unwrap_err();
            assert!(refused.message.contains("explicit deny"), "{operation}: {refused}");
            ask("2").await.unwrap();
            assert!(ask("3").await.is_err(), "{operation}: what is not there may be anything");
        }
    })
    .await;
}

/// User Guide of CodePipeline, "Manage the CodePipeline service role".
const S3_OF_A_PIPELINE: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "AllowS3BucketAccess", "Effect": "Allow",
     "Action": ["s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"],
     "Resource": ["arn:aws:s3:::artifacts"],
     "Condition": {"StringEquals": {"aws:ResourceAccount": "123456789012"}}},
    {"Sid": "AllowS3ObjectAccess", "Effect": "Allow",
     "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:GetObject", "s3:GetObjectVersion"],
     "Resource": ["arn:aws:s3:::artifacts/*"],
     "Condition": {"StringEquals": {"aws:ResourceAccount": "123456789012"}}}]}"#;

#[tokio::test]
async fn policies_may_ask_whose_the_resource_is() {
    each_engine(Machines::new(), |test| async move {
        let root = cx(&test);
        let build = build_session(&root, "b").await;
        let input = json!({"RoleName": "b", "PolicyName": "p", "PolicyDocument": S3_OF_A_PIPELINE});
        call(&root, put_role_policy, input).await.unwrap();
        let ask = async |action: &str, resources: &[&str]| {
            let resources = resources.iter().map(|resource| (*resource).to_owned()).collect();
            authorize(&build, &[Need::on(action, resources)]).await
        };
        ask("s3:GetBucketVersioning", &["arn:aws:s3:::artifacts"]).await.unwrap();
        ask("s3:PutObject", &["arn:aws:s3:::artifacts/a"]).await.unwrap();
        assert!(ask("s3:GetObject", &["arn:aws:s3:::site/a"]).await.is_err());

        let all = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
            "StringEquals": {"aws:ResourceAccount": "${aws:PrincipalAccount}"},
            "Bool": {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"}}}}"#;
        let input = json!({"RoleName": "b", "PolicyName": "p", "PolicyDocument": all});
        call(&root, put_role_policy, input).await.unwrap();
        let topic = |account: &str| format!("arn:aws:sns:eu-central-1:{account}:news");
        let (own, other) = (topic("123456789012"), topic("210987654321"));
        ask("sns:Publish", &[&own, "arn:aws:s3:::artifacts"]).await.unwrap();
        ask("s3:ListAllMyBuckets", &["*"]).await.unwrap();
        assert!(ask("sns:Publish", &[&other]).await.is_err());
        assert!(ask("sns:Publish", &[&own, &other]).await.is_err(), "of two accounts");
    })
    .await;
}
