use base::{AccountId, Region, Scope};
use serde_json::{Value, json};

use super::{Asked, Need};

fn ask(service: &str, operation: &str, input: &Value) -> Vec<(String, Vec<String>)> {
    let table: fn(&Asked<'_>) -> Option<Vec<Need>> = match service {
        "s3" => super::s3::needs,
        "events" => super::events::needs,
        "iam" => super::iam::needs,
        "logs" => super::logs::needs,
        "ssm" => super::ssm::needs,
        "secretsmanager" => super::secretsmanager::needs,
        _ => super::sts::needs,
    };
    let scope =
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-central-1").unwrap() };
    let needs = table(&Asked { scope: &scope, service, operation, input }).unwrap();
    needs.into_iter().map(|n| (n.action, n.resources)).collect()
}

fn one(service: &str, operation: &str, input: &Value) -> (String, String) {
    let mut asked = ask(service, operation, input);
    assert_eq!(asked.len(), 1);
    let (action, mut resources) = asked.remove(0);
    assert_eq!(resources.len(), 1, "{operation}");
    (action, resources.remove(0))
}

#[test]
fn objects_and_buckets_are_named_as_policies_name_them() {
    let object = json!({ "Bucket": "b", "Key": "d/k" });
    for (operation, action) in [
        ("GetObject", "s3:GetObject"),
        ("HeadObject", "s3:GetObject"),
        ("UploadPart", "s3:PutObject"),
        ("GetObjectTagging", "s3:GetObjectTagging"),
        ("ListParts", "s3:ListMultipartUploadParts"),
    ] {
        assert_eq!(one("s3", operation, &object), (action.into(), "arn:aws:s3:::b/d/k".into()));
    }
    let version = json!({ "Bucket": "b", "Key": "k", "VersionId": "v" });
    assert_eq!(one("s3", "DeleteObject", &version).0, "s3:DeleteObjectVersion");
    assert_eq!(one("s3", "GetObjectTagging", &version).0, "s3:GetObjectVersionTagging");
    let bucket = json!({ "Bucket": "b" });
    for (operation, action) in [
        ("ListObjectsV2", "s3:ListBucket"),
        ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
        ("GetBucketLocation", "s3:GetBucketLocation"),
    ] {
        assert_eq!(one("s3", operation, &bucket), (action.into(), "arn:aws:s3:::b".into()));
    }
    assert_eq!(one("s3", "ListBuckets", &json!({})), ("s3:ListAllMyBuckets".into(), "arn:aws:s3:::*".into()));
}

#[test]
fn a_copy_reads_and_writes_and_a_deletion_of_many_names_each() {
    let copy = json!({ "Bucket": "b", "Key": "k", "CopySource": "/from/a%20b" });
    let read = ("s3:GetObject".to_owned(), vec!["arn:aws:s3:::from/a b".to_owned()]);
    let write = ("s3:PutObject".to_owned(), vec!["arn:aws:s3:::b/k".to_owned()]);
    assert_eq!(ask("s3", "CopyObject", &copy), [read, write]);
    let many = json!({ "Bucket": "b", "Delete": { "Objects": [{ "Key": "x" }, { "Key": "y", "VersionId": "v" }] } });
    let asked = ask("s3", "DeleteObjects", &many);
    assert_eq!(asked[0], ("s3:DeleteObject".to_owned(), vec!["arn:aws:s3:::b/x".to_owned()]));
    assert_eq!(asked[1], ("s3:DeleteObjectVersion".to_owned(), vec!["arn:aws:s3:::b/y".to_owned()]));
    let none = ask("s3", "DeleteObjects", &json!({ "Bucket": "b", "Delete": { "Objects": [] } }));
    assert_eq!(none, [("s3:DeleteObject".to_owned(), Vec::new())]);
}

#[test]
fn log_groups_roles_and_users_are_their_arns() {
    let stream = json!({ "logGroupName": "/g", "logStreamName": "s" });
    let arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/g:log-stream:s";
    assert_eq!(one("logs", "PutLogEvents", &stream).1, arn);
    let role = "arn:aws:iam::123456789012:role/ci/x";
    assert_eq!(one("sts", "AssumeRole", &json!({ "RoleArn": role })).1, role);
    assert_eq!(one("sts", "GetSessionToken", &json!({})).1, "*");
    assert_eq!(one("iam", "GetRole", &json!({ "RoleName": "x" })).1, "arn:aws:iam::123456789012:role/x");
    let renamed = ask("iam", "UpdateUser", &json!({ "UserName": "a", "NewUserName": "b" }));
    assert_eq!(renamed[0].1, ["arn:aws:iam::123456789012:user/a", "arn:aws:iam::123456789012:user/b"]);
    assert_eq!(ask("iam", "CreateAccessKey", &json!({}))[0].1, [""; 0]);
}

#[test]
fn a_parameter_is_the_same_in_every_version_and_may_be_a_secret() {
    let arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/a/b";
    for name in ["/a/b", "a/b", "/a/b:3", "/a/b:stable", arn, &format!("{arn}:3")] {
        assert_eq!(one("ssm", "GetParameter", &json!({ "Name": name })).1, arn, "{name}");
    }
    let secret = ask("ssm", "GetParameter", &json!({ "Name": "/aws/reference/secretsmanager/db" }));
    let arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-??????";
    assert_eq!(secret[1], ("secretsmanager:GetSecretValue".to_owned(), vec![arn.to_owned()]));
    assert_eq!(one("secretsmanager", "GetSecretValue", &json!({ "SecretId": "db" })).1, arn);
}

#[test]
fn whoever_aims_a_rule_must_be_allowed_to_start_what_it_aims_at() {
    let role = "arn:aws:iam::123456789012:role/starter";
    let [pipeline, project] =
        ["codepipeline:eu-central-1:123456789012:demo", "codebuild:eu-central-1:123456789012:project/p"];
    let [pipeline, project] = [format!("arn:aws:{pipeline}"), format!("arn:aws:{project}")];
    let targets = json!([{"Id": "a", "Arn": pipeline, "RoleArn": role}, {"Id": "b", "Arn": project, "RoleArn": role},
                         {"Id": "c", "Arn": "x", "RoleArn": role}]);
    let asked = ask("events", "PutTargets", &json!({"Rule": "r", "Targets": targets}));
    assert_eq!(asked[1], ("iam:PassRole".to_owned(), vec![role.to_owned()]));
    assert_eq!(asked[2], ("codepipeline:StartPipelineExecution".to_owned(), vec![pipeline]));
    assert_eq!(asked[3], ("codebuild:StartBuild".to_owned(), vec![project]));
    assert_eq!(asked.len(), 4);
}
