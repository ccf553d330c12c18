//! Actions do nothing that their roles, or the pipeline's, may not.

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

fn codepipeline() -> Value {
    json!({"Service": "codepipeline.amazonaws.com"})
}

fn put() -> Value {
    action("Put", "Deploy", "S3", json!({"BucketName": "site", "Extract": "true"}), (&["Src"], &[]))
}

fn deploy(role: &str) -> Value {
    let mut deploy = put();
    deploy["roleArn"] = json!(arn(role));
    deploy
}

#[tokio::test]
async fn a_source_and_a_deployment_need_what_their_roles_allow() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        for role in ["source", "deploy"] {
            world.role(role, codepipeline()).await;
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
async fn without_a_role_of_their_own_actions_do_what_the_pipelines_may() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.role("p", codepipeline()).await;
        world.push("index.html", "one", None).await;
        let first = world.create(code_commit(), put()).await;
        world.drive().await;
        world.lacks(&first, "the AWS CodeCommit repository named app", "codecommit:GetBranch").await;
        for (policy, call, resource, lacks) in [
            ("git", "codecommit:*", "arn:aws:codecommit:*:*:app", ("artifacts", "s3:PutObject")),
            ("store", "s3:PutObject", "arn:aws:s3:::artifacts/*", ("artifacts", "s3:GetObject")),
            ("read", "s3:GetObject", "arn:aws:s3:::artifacts/*", ("site", "s3:PutObject")),
        ] {
            world.allow("p", policy, &[call], resource).await;
            let id = world.again().await;
            world.lacks(&id, &format!("the Amazon S3 bucket named {}", lacks.0), lacks.1).await;
        }
        world.allow("p", "write", &["s3:PutObject"], "arn:aws:s3:::site/*").await;
        let id = world.again().await;
        assert_eq!(Execution::status(&world.state(&id).await), "Succeeded", "{}", world.last_action(&id).await);
    })
    .await;
}

#[tokio::test]
async fn work_elsewhere_begins_only_if_the_pipelines_role_may_have_it_begun() {
    let batch = json!({"ProjectName": "nobody", "BatchEnabled": "true"});
    for (then, refusal, call) in [
        (
            action("Then", "Build", "CodeBuild", json!({"ProjectName": "nobody"}), (&["Src"], &[])),
            "Error calling startBuild: User: ",
            "codebuild:StartBuild",
        ),
        (
            action("Then", "Test", "CodeBuild", batch, (&["Src"], &[])),
            "Error calling startBuildBatch: User: ",
            "codebuild:StartBuildBatch",
        ),
        (
            action("Then", "Invoke", "CodePipeline", json!({"PipelineName": "nobody"}), (&[], &[])),
            "Error calling startPipelineExecution: User: ",
            "codepipeline:StartPipelineExecution",
        ),
    ] {
        let world = world(store::testing::sqlite(machines()).await).await;
        world.role("p", codepipeline()).await;
        world.allow("p", "source", &["codecommit:*", "s3:*"], "*").await;
        world.push("index.html", "one", None).await;
        let first = world.create_v2(code_commit(), json!({"actions": [then]})).await;
        world.drive().await;
        let (code, message) = world.failure(&first).await;
        assert_eq!(code, "PermissionError", "{message}");
        assert!(message.starts_with(refusal) && message.contains(call), "{message}");
        assert!(message.contains("nobody") && message.contains("assumed-role/p/AWSCodePipeline-"), "{message}");
        world.allow("p", "start", &[call], "*").await;
        let id = world.again().await;
        let (code, message) = world.failure(&id).await;
        assert_eq!(code, "ConfigurationError", "there is none: {message}");
    }
}

#[tokio::test]
async fn a_source_elsewhere_needs_what_the_pipelines_role_may() {
    let connection =
        "arn:aws:codestar-connections:eu-central-1:123456789012:connection/01234567-0123-0123-0123-0123456789ab";
    let configuration = json!({"ConnectionArn": connection, "FullRepositoryId": "team/app", "BranchName": "main"});
    let by_connection = action("Src", "Source", "CodeStarSourceConnection", configuration, (&[], &["Src"]));
    let object = json!({"S3Bucket": "src", "S3ObjectKey": "app.zip"});
    for (source, lacks, call) in [
        (by_connection, format!("use the connection {connection}. "), "codestar-connections:UseConnection"),
        (
            action("Src", "Source", "S3", object, (&[], &["Src"])),
            "access the Amazon S3 bucket named src. ".to_owned(),
            "s3:GetObject",
        ),
    ] {
        let world = world(store::testing::sqlite(machines()).await).await;
        world.role("p", codepipeline()).await;
        world.allow("p", "store", &["s3:*"], "arn:aws:s3:::artifacts/*").await;
        let first = world.create(source, put()).await;
        world.drive().await;
        let (code, message) = world.failure(&first).await;
        assert_eq!(code, "PermissionError", "{message}");
        assert!(message.contains(&lacks), "{message}");
        assert!(message.contains(&format!("is not authorized to perform: {call}")), "{message}");
        world.allow("p", "source", &[call], "*").await;
        let id = world.again().await;
        assert_eq!(world.failure(&id).await.0, "ConfigurationError", "there is none");
    }
}

#[tokio::test]
async fn a_rule_does_what_the_pipelines_role_may() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("p", codepipeline()).await;
    world.allow("p", "source", &["codecommit:*", "s3:*"], "*").await;
    world.push("index.html", "one", None).await;
    let rule = json!({"name": "Look", "configuration": {"ProjectName": "nobody"}, "inputArtifacts": [{"name": "Src"}],
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "CodeBuild", "version": "1"}});
    let before = json!({"conditions": [{"result": "FAIL", "rules": [rule]}]});
    let id = world.create_v2(code_commit(), json!({"actions": [put()], "beforeEntry": before})).await;
    world.drive().await;
    assert_eq!(Execution::status(&world.state(&id).await), "Failed");
    let list = json!({"pipelineName": "demo", "filter": {"pipelineExecutionId": id}});
    let list = devtools::codepipeline::list_rule_executions(&world.cx.cx, input(list)).await.unwrap();
    let list = serde_json::to_value(&list).unwrap();
    let error = &list["ruleExecutionDetails"][0]["output"]["executionResult"]["errorDetails"];
    assert_eq!(error["code"], "PermissionError", "{list}");
    assert!(error["message"].as_str().unwrap().starts_with("Error calling startBuild: User: "), "{error}");
}

#[tokio::test]
async fn a_pipelines_role_that_codepipeline_may_not_assume_is_of_no_use() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("p", json!({"AWS": arn("somebody")})).await;
    world.allow("p", "all", &["*"], "*").await;
    world.push("index.html", "one", None).await;
    let mut run = action("Run", "Compute", "Commands", json!({}), (&["Src"], &[]));
    run["commands"] = json!(["true"]);
    let first = world.create_v2(code_commit(), json!({"actions": [run]})).await;
    world.drive().await;
    let (code, message) = world.failure(&first).await;
    assert_eq!(code, "PermissionError");
    let text = format!("CodePipeline is not authorized to perform AssumeRole on role {PIPELINE}: ");
    assert!(message.starts_with(&text), "{message}");
}

#[tokio::test]
async fn a_role_is_assumed_through_the_pipelines() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("p", codepipeline()).await;
    world.allow("p", "source", &["codecommit:*", "s3:PutObject"], "*").await;
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

#[tokio::test]
async fn the_policy_that_the_user_guide_shows_for_a_pipelines_role_is_enough() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("p", codepipeline()).await;
    let condition = json!({"StringEquals": {"aws:ResourceAccount": "123456789012"}});
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "AllowS3BucketAccess", "Effect": "Allow",
            "Action": ["s3:GetBucketVersioning", "s3:GetBucketAcl", "s3:GetBucketLocation"],
            "Resource": ["arn:aws:s3:::artifacts", "arn:aws:s3:::site"], "Condition": condition},
        {"Sid": "AllowS3ObjectAccess", "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:GetObject", "s3:GetObjectVersion"],
            "Resource": ["arn:aws:s3:::artifacts/*", "arn:aws:s3:::site/*"], "Condition": condition},
        {"Effect": "Allow", "Resource": "arn:aws:codecommit:*:*:app", "Action": [
            "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive",
            "codecommit:GetUploadArchiveStatus", "codecommit:CancelUploadArchive"]}]});
    let put_policy = json!({"RoleName": "p", "PolicyName": "guide", "PolicyDocument": document.to_string()});
    platform::iam::put_role_policy(&world.cx.cx, input(put_policy)).await.unwrap();
    world.push("index.html", "one", None).await;
    let id = world.create(code_commit(), put()).await;
    world.drive().await;
    assert_eq!(Execution::status(&world.state(&id).await), "Succeeded", "{}", world.last_action(&id).await);
}

#[tokio::test]
async fn a_connection_may_be_for_one_repository_alone() {
    let connection =
        "arn:aws:codestar-connections:eu-central-1:123456789012:connection/01234567-0123-0123-0123-0123456789ab";
    let configuration = json!({"ConnectionArn": connection, "FullRepositoryId": "team/app", "BranchName": "main"});
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("p", codepipeline()).await;
    let source = action("Src", "Source", "CodeStarSourceConnection", configuration, (&[], &["Src"]));
    world.create(source, put()).await;
    world.drive().await;
    for service in ["codestar-connections", "codeconnections"] {
        for (repository, code) in [("team/other", "PermissionError"), ("team/app", "ConfigurationError")] {
            let key = format!("{service}:FullRepositoryId");
            let document = json!({"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "codestar-connections:UseConnection", "Resource": connection,
                    "Condition": {"StringEquals": {key: repository}}}]});
            let policy = json!({"RoleName": "p", "PolicyName": "use", "PolicyDocument": document.to_string()});
            platform::iam::put_role_policy(&world.cx.cx, input(policy)).await.unwrap();
            let id = world.again().await;
            assert_eq!(world.failure(&id).await.0, code, "{service} {repository}");
        }
    }
}

#[tokio::test]
async fn no_action_works_as_a_role_of_another_account() {
    let elsewhere = "arn:aws:iam::210987654321:role/p";
    let world = world(store::testing::sqlite(machines()).await).await;
    world.push("index.html", "one", None).await;
    let mut other = put();
    other["roleArn"] = json!(elsewhere);
    let first = world.create(code_commit(), other).await;
    world.drive().await;
    let text =
        format!("CodePipeline is not authorized to perform AssumeRole on role {elsewhere}: it is of another account");
    let (code, message) = world.failure(&first).await;
    assert!(code == "PermissionError" && message.starts_with(&text), "{code} {message}");
    let update = json!({"pipeline": {
        "name": "demo", "roleArn": elsewhere, "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [{"name": "Source", "actions": [code_commit()]}, {"name": "Then", "actions": [deploy("own")]}],
    }});
    devtools::codepipeline::update_pipeline(&world.cx.cx, input(update)).await.unwrap();
    let id = world.again().await;
    let (code, message) = world.failure(&id).await;
    assert!(code == "PermissionError" && message.starts_with(&text), "{code} {message}");
}

#[tokio::test]
async fn commands_in_another_region_are_trusted_as_those_of_their_pipeline() {
    let world = world(store::testing::sqlite(machines()).await).await;
    world.role("p", codepipeline()).await;
    world.allow("p", "all", &["*"], "*").await;
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": codepipeline(),
        "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:codepipeline:eu-central-1:123456789012:demo"}}}});
    let trust = json!({"RoleName": "p", "PolicyDocument": trust.to_string()});
    platform::iam::update_assume_role_policy(&world.cx.cx, input(trust)).await.unwrap();
    let mut there = world.cx.cx.clone();
    there.caller.scope.region = base::Region::parse("us-east-1").unwrap();
    platform::s3::create_bucket::create_bucket(&there, input(json!({"Bucket": "artifacts-there"}))).await.unwrap();
    world.push("index.html", "one", None).await;
    let mut run = action("Run", "Compute", "Commands", json!({}), (&["Src"], &[]));
    run["commands"] = json!(["true"]);
    run["region"] = json!("us-east-1");
    let bucket = |bucket: &str| json!({"type": "S3", "location": bucket});
    let pipeline = json!({"pipeline": {
        "name": "demo", "roleArn": PIPELINE, "pipelineType": "V2",
        "artifactStores": {"eu-central-1": bucket("artifacts"), "us-east-1": bucket("artifacts-there")},
        "stages": [{"name": "Source", "actions": [code_commit()]}, {"name": "Then", "actions": [run]}],
    }});
    devtools::codepipeline::create_pipeline(&world.cx.cx, input(pipeline)).await.unwrap();
    let id = world.executions().await.remove(0);
    world.drive().await;
    let run = world.state(&id).await.stages[1].actions[0].clone();
    let build = run.external.id.clone().unwrap_or_else(|| panic!("{run:?}"));
    let mut tx = world.cx.cx.store.read().await.unwrap();
    let row = store::machine::get::<engine::build::Build>(&mut tx, &build).await.unwrap().unwrap();
    drop(tx);
    let mut request = row.state.request;
    assert_eq!(request.scope.region.as_str(), "us-east-1");
    let refused = async |request: &_| devtools::codebuild::role::why_no_credentials(&world.cx.cx, request).await;
    assert_eq!(refused(&request).await, None);
    request.scope.account = base::AccountId::parse("210987654321").unwrap();
    let why = refused(&request).await.unwrap_or_default();
    assert!(why.contains("it is of another account"), "{why}");
    let acting = devtools::codebuild::role::acting(&world.cx.cx, &request).await.unwrap();
    assert!(platform::iam::is_nobody(&acting), "{:?}", acting.caller);
}
