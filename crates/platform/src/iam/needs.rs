//! What a call needs: the actions that policies name it by, and the resources that it is about.
//!
//! Follows the tables of <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.
//! Most actions are called as their operation is; S3's are not, and some of its calls need two.
//!
//! Deviation: where the table below does not know a service, its resources are not known: a policy's allow then counts
//! whatever resource it names, and so does its deny.

use base::{Arn, Scope};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// One action on its resources. All of a call's needs must be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// `service:Action`.
    pub action: String,
    /// ARNs; `*` for what has none; nothing where they are not known.
    pub resources: Vec<String>,
}

impl Need {
    /// An action on one resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Need { action: action.into(), resources: vec![resource.into()] }
    }
}

/// What `operation` of `service` (the name that requests are signed for) needs; `input` is canonical JSON.
pub fn needs(scope: &Scope, service: &str, operation: &str, input: &Value) -> Vec<Need> {
    let call = Call { scope, operation, input };
    let resources = match service {
        "s3" => return s3(&call),
        "codebuild" => call.codebuild(),
        "codecommit" => call.each(&["repositoryName", "repositoryNames"], |name| call.own("codecommit", name)),
        "codepipeline" => call.codepipeline(),
        "iam" => call.iam(),
        "logs" => call.logs(),
        "secretsmanager" => call.each(&["SecretId", "Name"], |name| {
            // The six characters that the service adds are not in the request.
            call.own("secretsmanager", &format!("secret:{name}-??????"))
        }),
        "ssm" => call.each(&["Name", "Names", "Path"], |name| {
            call.own("ssm", &format!("parameter/{}", name.trim_start_matches('/')))
        }),
        "sts" => call.each(&["RoleArn"], str::to_owned),
        _ => Vec::new(),
    };
    vec![Need { action: format!("{service}:{operation}"), resources }]
}

struct Call<'a> {
    scope: &'a Scope,
    operation: &'a str,
    input: &'a Value,
}

impl Call<'_> {
    fn text(&self, member: &str) -> Option<&str> {
        self.input.get(member)?.as_str().filter(|t| !t.is_empty())
    }

    fn own(&self, service: &str, resource: &str) -> String {
        self.scope.arn(service, resource).to_string()
    }

    /// The resources that the first of `members` to be there names, as text or as a list of texts. What is an ARN
    /// already stays one; without any the account's whole service is meant.
    fn each(&self, members: &[&str], arn: impl Fn(&str) -> String) -> Vec<String> {
        let arn = |name: &str| if Arn::parse(name).is_some() { name.to_owned() } else { arn(name) };
        for member in members {
            match self.input.get(*member) {
                Some(Value::String(name)) if !name.is_empty() => return vec![arn(name)],
                Some(Value::Array(names)) if !names.is_empty() => {
                    return names.iter().filter_map(Value::as_str).map(arn).collect();
                }
                _ => {}
            }
        }
        self.tagged().unwrap_or_else(|| vec!["*".to_owned()])
    }

    /// The resource of the operations on tags.
    fn tagged(&self) -> Option<Vec<String>> {
        let arn = ["resourceArn", "resource", "ResourceArn"].iter().find_map(|m| self.text(m))?;
        Some(vec![arn.to_owned()])
    }

    /// Builds are reached through their projects.
    fn codebuild(&self) -> Vec<String> {
        let project = |name: &str| {
            let name = name.split(':').next().unwrap_or(name);
            self.own("codebuild", &format!("project/{name}"))
        };
        let of_build = |id: &str| match Arn::parse(id).and_then(|a| Some(a.resource.strip_prefix("build/")?.to_owned()))
        {
            Some(rest) => project(&rest),
            None => project(id),
        };
        match self.operation {
            "BatchGetBuilds" | "BatchDeleteBuilds" | "StopBuild" | "RetryBuild" => {
                let ids = self.each(&["ids", "id"], |id| project(id));
                ids.iter().map(|id| if id.contains(":build/") { of_build(id) } else { id.clone() }).collect()
            }
            _ => self.each(&["projectName", "name", "names"], project),
        }
    }

    /// `PIPELINE`, `PIPELINE/STAGE` or `PIPELINE/STAGE/ACTION`.
    fn codepipeline(&self) -> Vec<String> {
        let nested = self.input.pointer("/pipeline/name").and_then(Value::as_str);
        let Some(pipeline) = self.text("pipelineName").or_else(|| self.text("name")).or(nested) else {
            return self.each(&[], str::to_owned);
        };
        let inner = match self.operation {
            "PutApprovalResult"
            | "OverrideStageCondition"
            | "EnableStageTransition"
            | "DisableStageTransition"
            | "RetryStageExecution"
            | "RollbackStage" => ["stageName", "actionName"],
            _ => return vec![self.own("codepipeline", pipeline)],
        };
        let parts = std::iter::once(pipeline).chain(inner.iter().filter_map(|m| self.text(m)));
        vec![self.own("codepipeline", &parts.collect::<Vec<_>>().join("/"))]
    }

    /// Without the paths of users and roles, which a request does not have.
    fn iam(&self) -> Vec<String> {
        let path = self.text("Path").unwrap_or("/");
        let global = |kind: &str, name: &str| self.scope.global_arn("iam", format!("{kind}{path}{name}")).to_string();
        let found = [("role", "RoleName"), ("user", "UserName")].into_iter().find_map(|(kind, member)| {
            let name = self.text(member)?;
            Some(global(kind, name))
        });
        match (found, self.text("PolicyArn"), self.operation) {
            (Some(arn), _, _) => vec![arn],
            (None, Some(arn), _) => vec![arn.to_owned()],
            (None, None, "CreatePolicy") => vec![global("policy", self.text("PolicyName").unwrap_or_default())],
            (None, None, _) => vec!["*".to_owned()],
        }
    }

    fn logs(&self) -> Vec<String> {
        if let Some(tagged) = self.tagged() {
            return tagged;
        }
        let identifier = self.text("logGroupIdentifier").map(|id| match Arn::parse(id) {
            Some(arn) => arn.resource.trim_start_matches("log-group:").trim_end_matches(":*").to_owned(),
            None => id.to_owned(),
        });
        let group = self.text("logGroupName").map(str::to_owned).or(identifier).unwrap_or_default();
        let stream = self.text("logStreamName").unwrap_or_default();
        vec![self.own("logs", &format!("log-group:{group}:log-stream:{stream}"))]
    }
}

fn s3(call: &Call<'_>) -> Vec<Need> {
    let arn = |path: &str| format!("arn:{}:s3:::{path}", call.scope.region.partition());
    let bucket = call.text("Bucket").unwrap_or_default();
    let object = |key: &str| arn(&format!("{bucket}/{key}"));
    let key = call.text("Key").unwrap_or_default();
    let versioned = |plain: &str| match call.text("VersionId") {
        Some(_) => Need::new(format!("s3:{plain}").replace("Object", "ObjectVersion"), object(key)),
        None => Need::new(format!("s3:{plain}"), object(key)),
    };
    match call.operation {
        "ListBuckets" => vec![Need::new("s3:ListAllMyBuckets", arn("*"))],
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => vec![Need::new("s3:ListBucket", arn(bucket))],
        "GetObject" | "HeadObject" => vec![versioned("GetObject")],
        "GetObjectAttributes" => vec![versioned("GetObject"), versioned("GetObjectAttributes")],
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => {
            vec![Need::new("s3:PutObject", object(key))]
        }
        "CopyObject" | "UploadPartCopy" => {
            let source = call.text("CopySource").unwrap_or_default();
            let (path, version) = source.split_once("?versionId=").map_or((source, false), |(path, _)| (path, true));
            let path = percent_decode_str(path).decode_utf8_lossy();
            let read = if version { "s3:GetObjectVersion" } else { "s3:GetObject" };
            vec![Need::new(read, arn(path.trim_start_matches('/'))), Need::new("s3:PutObject", object(key))]
        }
        "DeleteObjects" => {
            let objects = call.input.pointer("/Delete/Objects").and_then(Value::as_array);
            let need = |o: &Value| {
                let text = |member: &str| o.get(member).and_then(Value::as_str).filter(|t| !t.is_empty());
                let action = if text("VersionId").is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
                Need::new(action, object(text("Key").unwrap_or_default()))
            };
            objects.into_iter().flatten().map(need).collect()
        }
        "ListParts" => vec![Need::new("s3:ListMultipartUploadParts", object(key))],
        "AbortMultipartUpload" => vec![Need::new("s3:AbortMultipartUpload", object(key))],
        operation if !key.is_empty() => vec![versioned(operation)],
        operation => vec![Need::new(format!("s3:{}", bucket_action(operation)), arn(bucket))],
    }
}

/// Operations on buckets whose action is called otherwise.
fn bucket_action(operation: &str) -> &str {
    match operation {
        "DeleteBucketTagging" => "PutBucketTagging",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListObjectVersions" => "ListBucketVersions",
        "PutBucketEncryption" => "PutEncryptionConfiguration",
        "PutBucketLifecycleConfiguration" => "PutLifecycleConfiguration",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};
    use serde_json::json;

    use super::*;

    fn ask(service: &str, operation: &str, input: Value) -> Vec<(String, Vec<String>)> {
        let scope = Scope {
            account: AccountId::parse("123456789012").unwrap(),
            region: Region::parse("eu-central-1").unwrap(),
        };
        needs(&scope, service, operation, &input).into_iter().map(|n| (n.action, n.resources)).collect()
    }

    fn one(service: &str, operation: &str, input: Value) -> (String, String) {
        let mut asked = ask(service, operation, input);
        assert_eq!(asked.len(), 1);
        let (action, mut resources) = asked.remove(0);
        assert_eq!(resources.len(), 1);
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
            assert_eq!(one("s3", operation, object.clone()), (action.into(), "arn:aws:s3:::b/d/k".into()));
        }
        let version = json!({ "Bucket": "b", "Key": "k", "VersionId": "v" });
        assert_eq!(one("s3", "DeleteObject", version.clone()).0, "s3:DeleteObjectVersion");
        assert_eq!(one("s3", "GetObjectTagging", version).0, "s3:GetObjectVersionTagging");
        let bucket = json!({ "Bucket": "b" });
        for (operation, action) in [
            ("ListObjectsV2", "s3:ListBucket"),
            ("GetBucketEncryption", "s3:GetEncryptionConfiguration"),
            ("GetBucketLocation", "s3:GetBucketLocation"),
        ] {
            assert_eq!(one("s3", operation, bucket.clone()), (action.into(), "arn:aws:s3:::b".into()));
        }
        assert_eq!(one("s3", "ListBuckets", json!({})), ("s3:ListAllMyBuckets".into(), "arn:aws:s3:::*".into()));
    }

    #[test]
    fn a_copy_reads_and_writes_and_a_deletion_of_many_names_each() {
        let copy = json!({ "Bucket": "b", "Key": "k", "CopySource": "/from/a%20b" });
        let read = ("s3:GetObject".to_owned(), vec!["arn:aws:s3:::from/a b".to_owned()]);
        let write = ("s3:PutObject".to_owned(), vec!["arn:aws:s3:::b/k".to_owned()]);
        assert_eq!(ask("s3", "CopyObject", copy), [read, write]);
        let many =
            json!({ "Bucket": "b", "Delete": { "Objects": [{ "Key": "x" }, { "Key": "y", "VersionId": "v" }] } });
        let asked = ask("s3", "DeleteObjects", many);
        assert_eq!(asked[0], ("s3:DeleteObject".to_owned(), vec!["arn:aws:s3:::b/x".to_owned()]));
        assert_eq!(asked[1], ("s3:DeleteObjectVersion".to_owned(), vec!["arn:aws:s3:::b/y".to_owned()]));
    }

    #[test]
    fn resources_of_the_developer_tools_and_logs_are_their_arns() {
        let at = |service: &str, rest: &str| format!("arn:aws:{service}:eu-central-1:123456789012:{rest}");
        let project = at("codebuild", "project/demo");
        for (operation, input) in [
            ("StartBuild", json!({ "projectName": "demo" })),
            ("CreateProject", json!({ "name": "demo" })),
            ("BatchGetProjects", json!({ "names": [project] })),
            ("StopBuild", json!({ "id": "demo:1-2" })),
            ("BatchGetBuilds", json!({ "ids": [at("codebuild", "build/demo:1-2")] })),
        ] {
            assert_eq!(one("codebuild", operation, input).1, project, "{operation}");
        }
        let names = json!({ "repositoryNames": ["a", "b"] });
        let repositories = ask("codecommit", "BatchGetRepositories", names);
        assert_eq!(repositories[0].1, [at("codecommit", "a"), at("codecommit", "b")]);
        let approval = json!({ "pipelineName": "p", "stageName": "s", "actionName": "a" });
        assert_eq!(one("codepipeline", "PutApprovalResult", approval).1, at("codepipeline", "p/s/a"));
        let created = json!({ "pipeline": { "name": "p" } });
        assert_eq!(one("codepipeline", "CreatePipeline", created).1, at("codepipeline", "p"));
        let stream = json!({ "logGroupName": "/g", "logStreamName": "s" });
        assert_eq!(one("logs", "PutLogEvents", stream).1, at("logs", "log-group:/g:log-stream:s"));
        let role = "arn:aws:iam::123456789012:role/ci/x";
        assert_eq!(one("sts", "AssumeRole", json!({ "RoleArn": role })).1, role);
        assert_eq!(one("sts", "GetSessionToken", json!({})).1, "*");
        assert_eq!(one("iam", "GetRole", json!({ "RoleName": "x" })).1, "arn:aws:iam::123456789012:role/x");
    }
}
