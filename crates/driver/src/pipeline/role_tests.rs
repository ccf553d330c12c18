//! Actions with roles of their own do nothing that these may not.

use engine::pipeline::Execution;
use serde_json::{Value, json};
use store::testing::each_engine;

use base::Machine as _;

use super::tests::{World, action, code_commit, input, machines, world};

const PIPELINE: &str = "arn:aws:iam::123456789012:role/p";

fn arn(role: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{role}")
}

impl World {
    pub(super) async fn role(&self, name: &str, trusted: Value) {
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}]});
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
        platform::iam::create_role(&self.cx.cx, input(role)).await.unwrap();
    }

    pub(super) async fn allow(&self, role: &str, policy: &str, actions: &[&str], resource: &str) {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": resource}]});
        let put = json!({"RoleName": role, "PolicyName": policy, "PolicyDocument": document.to_string()});
        platform::iam::put_role_policy(&self.cx.cx, input(put)).await.unwrap();
    }

    async fn again(&self) -> String {
        let start = input(json!({"name": "demo"}));
        let started = devtools::codepipeline::start_pipeline_execution(&self.cx.cx, start).await.unwrap();
        self.drive().await;
        started.pipeline_execution_id
    }

    /// How the execution has failed: code and message.
    async fn failure(&self, id: &str) -> (String, String) {
        assert_eq!(Execution::status(&self.state(id).await), "Failed");
        let error = self.last_action(id).await["output"]["executionResult"]["errorDetails"].clone();
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"))
    }

    pub(super) async fn lacks(&self, id: &str, what: &str, call: &str) {
        let (code, message) = self.failure(id).await;
        assert_eq!(code, "PermissionError", "{message}");
        let text = format!(
            "The service role or action role doesn\u{2019}t have the permissions required to access {what}. Update"
        );
        assert!(message.starts_with(&text), "{message}");
        assert!(message.contains(&format!("is not authorized to perform: {call}")), "{message}");
    }
}

fn deploy(role: &str) -> Value {
    let mut deploy = action("Put", "Deploy", "S3", json!({"BucketName": "site", "Extract": "true"}), (&["Src"], &[]));
    deploy["roleArn"] = json!(arn(role));
    deploy
}

#[tokio::test]
async fn a_source_and_a_deployment_need_what_their_roles_allow() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        for role in ["source", "deploy"] {
            world.role(role, json!({"Service": "codepipeline.amazonaws.com"})).await;
        }
        world.push("index.html", "one", None).await;
        let mut source = code_commit();
        source["roleArn"] = json!(arn("source"));
        let first = world.create(source, deploy("deploy")).await;
        world.drive().await;
        world.lacks(&first, "the AWS CodeCommit repository named app", "codecommit:GetBranch").await;

        world.allow("source", "git", &["codecommit:*"], "arn:aws:codecommit:*:*:app").await;
        let id = world.again().await;
        world.lacks(&id, "the Amazon S3 bucket named artifacts", "s3:PutObject").await;

        world.allow("source", "store", &["s3:PutObject"], "arn:aws:s3:::artifacts/*").await;
        let id = world.again().await;
        world.lacks(&id, "the Amazon S3 bucket named artifacts", "s3:GetObject").await;

        world.allow("deploy", "read", &["s3:GetObject"], "arn:aws:s3:::artifacts/*").await;
        let id = world.again().await;
        world.lacks(&id, "the Amazon S3 bucket named site", "s3:PutObject").await;

        world.allow("deploy", "write", &["s3:PutObject"], "arn:aws:s3:::site/*").await;
        let id = world.again().await;
        assert_eq!(Execution::status(&world.state(&id).await), "Succeeded", "{}", world.last_action(&id).await);
    })
    .await;
}

#[tokio::test]
async fn a_role_is_assumed_through_the_pipelines() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("p", json!({"Service": "codepipeline.amazonaws.com"})).await;
    world.role("other", json!({"AWS": arn("somebody")})).await;
    world.role("own", json!({"AWS": PIPELINE})).await;
    world.allow("own", "all", &["s3:*"], "*").await;
    world.push("index.html", "one", None).await;
    let first = world.create(code_commit(), deploy("other")).await;
    world.drive().await;
    let (code, message) = world.failure(&first).await;
    assert_eq!(code, "PermissionError");
    let text = format!("CodePipeline is not authorized to perform AssumeRole on role {}: ", arn("other"));
    assert!(message.starts_with(&text), "{message}");

    let update = json!({"pipeline": {
        "name": "demo", "roleArn": PIPELINE, "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [code_commit()]}, {"name": "Then", "actions": [deploy("own")]},
        ],
    }});
    devtools::codepipeline::update_pipeline(&world.cx.cx, input(update)).await.unwrap();
    let id = world.again().await;
    assert!(world.failure(&id).await.1.contains("is not authorized to perform: sts:AssumeRole"));
    world.allow("p", "assume", &["sts:AssumeRole"], &arn("own")).await;
    let id = world.again().await;
    assert_eq!(Execution::status(&world.state(&id).await), "Succeeded", "{}", world.last_action(&id).await);
}

#[tokio::test]
async fn a_build_begins_only_if_the_actions_role_may_start_it() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("builder", json!({"Service": "codepipeline.amazonaws.com"})).await;
    world.push("index.html", "one", None).await;
    let mut build = action("Compile", "Build", "CodeBuild", json!({"ProjectName": "nobody"}), (&["Src"], &[]));
    build["roleArn"] = json!(arn("builder"));
    let first = world.create(code_commit(), build).await;
    world.drive().await;
    let (code, message) = world.failure(&first).await;
    assert_eq!(code, "PermissionError");
    assert!(message.starts_with("Error calling startBuild: User: "), "{message}");
    assert!(message.contains("codebuild:StartBuild") && message.contains("project/nobody"), "{message}");
    world.allow("builder", "start", &["codebuild:StartBuild"], "*").await;
    let id = world.again().await;
    assert_eq!(world.failure(&id).await.0, "ConfigurationError", "there is no such project");
}
