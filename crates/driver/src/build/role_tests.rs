//! Builds are held to their project's role: values, credentials, and what the server fetches and stores for them.

use std::time::Duration;

use devtools::codebuild::{self, stop_build};
use serde_json::{Value, json};
use store::outbox;
use store::testing::each_engine;

use super::BuildPerformer;
use super::tests::{World, machines, world};
use crate::Performer as _;

pub(super) async fn everything_stored(world: &World, id: &str) -> String {
    let log = world.log(id).await.join("");
    let state = serde_json::to_string(&world.state(id).await).unwrap();
    let phases = world.phases(id).await.join("\n");
    format!("{log}\n{state}\n{phases}")
}

async fn put_parameter(world: &World, name: &str, kind: &str, value: &str) {
    let input = json!({"Name": name, "Value": value, "Type": kind, "Overwrite": true});
    platform::ssm::put_parameter(&world.cx.cx, serde_json::from_value(input).unwrap()).await.unwrap();
}

pub(super) async fn create_secret(world: &World, name: &str, value: &str) {
    let input = json!({"Name": name, "SecretString": value});
    platform::secretsmanager::create_secret(&world.cx.cx, serde_json::from_value(input).unwrap()).await.unwrap();
}

const SECRETIVE: &str = "version: 0.2
env:
  parameter-store: {PLAIN: /app/level, PASSWORD: '/app/password:2'}
  secrets-manager: {USER: 'db:user', ALL: db}
  exported-variables: [PASSWORD]
phases:
  build:
    commands: [echo $PLAIN, echo $PASSWORD, echo $USER, echo eHNlY3JldC1vbmU=]
";

#[tokio::test]
async fn values_from_elsewhere_reach_the_job_and_nothing_that_is_kept() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        put_parameter(&world, "/app/level", "String", "debug-level").await;
        put_parameter(&world, "/app/password", "SecureString", "old").await;
        put_parameter(&world, "/app/password", "SecureString", "xsecret-one").await;
        put_parameter(&world, "/app/password", "SecureString", "newer").await;
        create_secret(&world, "db", r#"{"user": "secret-two", "port": 5432}"#).await;
        let id = world.start(SECRETIVE, json!({})).await;
        let run = world.claim().await;
        assert!(!format!("{run:?}").contains("secret-"), "no effect has a value");
        BuildPerformer.perform(&world.cx, &run[0]).await.unwrap();
        world.drive().await;
        let state = world.state(&id).await;
        assert_eq!(state.status_name(), "SUCCEEDED", "{:?}", world.phases(&id).await);
        assert_eq!(state.facts.exported_variables.get("PASSWORD").map(String::as_str), Some("***"));
        let log = world.log(&id).await;
        assert_eq!(log.iter().filter(|line| line.as_str() == "***\n").count(), 4, "{log:?}");
        let stored = everything_stored(&world, &id).await;
        for secret in ["debug-level", "secret-one", "secret-two", "5432"] {
            assert!(!stored.contains(secret), "{secret}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_fails_the_build_before_anything_runs() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        create_secret(&world, "db", r#"{"user": "u"}"#).await;
        for (number, (section, code, why)) in [
            ("parameter-store: {V: /none}", "Decrypted Variables Error", "parameter does not exist: /none"),
            ("secrets-manager: {V: none}", "Secrets Manager Error", "ResourceNotFoundException: Secrets Manager can't"),
            ("secrets-manager: {V: 'db:password'}", "Secrets Manager Error", "the secret db has no key password"),
            ("secrets-manager: {V: 'db::NOPE'}", "Secrets Manager Error", "for staging label: NOPE"),
        ]
        .into_iter()
        .enumerate()
        {
            let text = format!("version: 0.2\nenv:\n  {section}\nphases: {{build: {{commands: [echo ran]}}}}\n");
            let id = world.start(&text, json!({ "name": format!("demo{number}") })).await;
            world.drive().await;
            let phases = world.phases(&id).await;
            let failed = format!("DOWNLOAD_SOURCE FAILED {code}: ");
            assert!(phases.iter().any(|p| p.starts_with(&failed) && p.contains(why)), "{phases:?}");
            let state = world.state(&id).await;
            assert_eq!(world.executor.starts(&state.request.uuid), 0);
            let log = world.log(&id).await;
            assert!(log.iter().any(|l| l.contains(&format!("status code: {code} Message: "))), "{log:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_role_may_not_read_the_build_does_not_get() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        create_role(&world, "build", "codebuild.amazonaws.com").await;
        create_secret(&world, "app/db", "secret-one").await;
        put_parameter(&world, "/app/p", "SecureString", "secret-two").await;
        for (number, (section, code, action)) in [
            ("parameter-store: {V: /app/p}", "Decrypted Variables Error", "ssm:GetParameters"),
            ("secrets-manager: {V: app/db}", "Secrets Manager Error", "secretsmanager:GetSecretValue"),
        ]
        .into_iter()
        .enumerate()
        {
            let text = format!("version: 0.2\nenv:\n  {section}\nphases: {{build: {{commands: [echo $V]}}}}\n");
            let id = world.start(&text, json!({ "name": format!("no{number}") })).await;
            world.drive().await;
            let phases = world.phases(&id).await;
            let why = format!("not authorized to perform: {action} on resource: arn:aws:");
            assert!(
                phases.iter().any(|p| p.starts_with(&format!("DOWNLOAD_SOURCE FAILED {code}")) && p.contains(&why)),
                "{phases:?}"
            );
            allow(&world, action, "arn:aws:*:*:*:*app/*").await;
            let id = world.start(&text, json!({ "name": format!("yes{number}") })).await;
            world.drive().await;
            assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED", "{:?}", world.phases(&id).await);
        }
    })
    .await;
}

#[tokio::test]
async fn a_job_that_runs_is_not_asked_for_its_values_again() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        put_parameter(&world, "/p", "String", "before").await;
        let text = "version: 0.2\nenv: {parameter-store: {V: /p}}\nphases: {build: {commands: [hang]}}\n";
        let id = world.start(text, json!({})).await;
        let running = world.spawn(world.claim().await.remove(0));
        world.until(&id, |state| state.current_phase() == engine::build::Phase::Build).await;
        running.abort();
        let _ = running.await;
        let gone = json!({"Name": "/p"});
        platform::ssm::delete_parameter(&world.cx.cx, serde_json::from_value(gone).unwrap()).await.unwrap();
        world.test.store.write(|tx| Box::pin(async move { outbox::release(tx, "test").await })).await.unwrap();
        codebuild::stop_build(&world.cx.cx, stop_build::Input { id: id.clone() }).await.unwrap();
        let tasks: Vec<_> = world.claim().await.into_iter().map(|claimed| world.spawn(claimed)).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        world.drive().await;
        assert_eq!(world.state(&id).await.status_name(), "STOPPED", "{:?}", world.phases(&id).await);
    })
    .await;
}

/// Lets the role of the builds do something more.
async fn allow(world: &World, action: &str, resource: &str) {
    let statement = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] });
    let name = action.replace([':', '*'], "-");
    let input = json!({ "RoleName": "build", "PolicyName": name, "PolicyDocument": policy.to_string() });
    platform::iam::put_role_policy(&world.cx.cx, serde_json::from_value(input).unwrap()).await.unwrap();
}

async fn create_role(world: &World, name: &str, service: &str) {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    });
    let input = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
    platform::iam::create_role(&world.cx.cx, serde_json::from_value(input).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_build_has_the_way_to_its_roles_credentials_until_it_ends() {
    use devtools::codebuild::role::{RoleSessions, credentials_token};
    each_engine(machines(), |test| async move {
        let world = world(test);
        create_role(&world, "build", "codebuild.amazonaws.com").await;
        let text = "version: 0.2\nphases:\n  build:\n    commands: [echo $AWS_CONTAINER_CREDENTIALS_FULL_URI, \
                    echo $AWS_CONTAINER_AUTHORIZATION_TOKEN, echo $AWS_ACCESS_KEY_ID, hang]\n";
        let id = world.start(text, json!({})).await;
        // For longer than the clock moves.
        let lease = Duration::from_secs(7200);
        let mut claimed = outbox::claim(&world.cx.cx.store, "test", 10, lease).await.unwrap();
        let running = world.spawn(claimed.remove(0));
        world.until(&id, |state| state.current_phase() == engine::build::Phase::Build).await;
        let (cx, sessions) = (&world.cx.cx, RoleSessions::default());
        let first = sessions.of_build(cx, &id).await.unwrap();
        assert_eq!(first.role_arn, "arn:aws:iam::123456789012:role/build");
        let key = first.credentials.access_key_id.clone();
        assert_eq!(sessions.of_build(cx, &id).await.unwrap().credentials.access_key_id, key, "not one a request");
        let known = cx.credentials.find(&cx.store, &key).await.unwrap().unwrap();
        assert!(known.principal(base::Partition::Aws).arn.ends_with(&format!("/AWSCodeBuild-{}", &id[5..])));
        world.test.clock.advance(Duration::from_secs(45 * 60));
        let later = sessions.of_build(cx, &id).await.unwrap();
        assert_ne!(later.credentials.access_key_id, key, "new ones before the old ones end");
        codebuild::stop_build(cx, stop_build::Input { id: id.clone() }).await.unwrap();
        world.drive().await;
        running.await.unwrap().unwrap();
        world.drive().await;
        assert_eq!(sessions.of_build(cx, &id).await.unwrap_err().code, "BuildIsOver");
        let gone = cx.credentials.find(&cx.store, &later.credentials.access_key_id).await.unwrap();
        assert!(gone.is_none(), "they end with the build");
        let log = world.log(&id).await;
        assert!(log.contains(&format!("http://127.0.0.1:4566/_headworks/credentials/{id}\n")), "{log:?}");
        assert!(log.contains(&"***\n".to_owned()) && !log.join("").contains(credentials_token(cx, &id).expose()));
        assert!(log.contains(&"\n".to_owned()), "no keys in the environment");
    })
    .await;
}

/// What a build asks for, the phase that fails without the right, and the right.
const ASKED: [(&str, &str, &str, &str); 4] = [
    (
        r#"{"source": {"type": "S3", "location": "kept/app/", "buildspec": "version: 0.2\nphases: {build: {commands: [x]}}"}}"#,
        "DOWNLOAD_SOURCE",
        "s3:ListBucket",
        "arn:aws:s3:::kept",
    ),
    (
        r#"{"source": {"type": "S3", "location": "kept/app.zip", "buildspec": "version: 0.2\nphases: {build: {commands: [x]}}"}}"#,
        "DOWNLOAD_SOURCE",
        "s3:GetObject",
        "arn:aws:s3:::kept/app.zip",
    ),
    (
        r#"{"source": {"type": "CODECOMMIT", "location": "http://x/v1/repos/kept"}}"#,
        "DOWNLOAD_SOURCE",
        "codecommit:GitPull",
        "arn:aws:codecommit:eu-central-1:123456789012:kept",
    ),
    (
        r#"{"artifacts": {"type": "S3", "location": "kept", "packaging": "ZIP"}}"#,
        "UPLOAD_ARTIFACTS",
        "s3:PutObject",
        "arn:aws:s3:::kept/",
    ),
];

#[tokio::test]
async fn the_server_fetches_and_stores_for_a_build_only_what_its_role_allows() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.bucket("kept").await;
        let repository = serde_json::from_value(json!({ "repositoryName": "kept" })).unwrap();
        devtools::codecommit::create_repository(&world.cx.cx, repository).await.unwrap();
        create_role(&world, "build", "codebuild.amazonaws.com").await;
        let text = "version: 0.2\nphases: {build: {commands: [x]}}\nartifacts: {files: '**/*'}\n";
        for (number, (change, phase, action, resource)) in ASKED.into_iter().enumerate() {
            let mut change: Value = serde_json::from_str(change).unwrap();
            change["name"] = json!(format!("asked{number}"));
            let id = world.start(text, change.clone()).await;
            while let Some(claimed) = world.claim().await.pop() {
                let source = world.state(&id).await.request.source_dir();
                std::fs::create_dir_all(&source).unwrap();
                std::fs::write(source.join("made"), "x").unwrap();
                BuildPerformer.perform(&world.cx, &claimed).await.unwrap();
            }
            let phases = world.phases(&id).await;
            let denied = format!("not authorized to perform: {action} on resource: {resource}");
            let told =
                phases.iter().any(|p| p.starts_with(&format!("{phase} FAILED CLIENT_ERROR")) && p.contains(&denied));
            assert!(told, "{denied}: {phases:?}");
            // What is refused afterwards is not there, which is another matter.
            allow(&world, action, "*").await;
            change["name"] = json!(format!("allowed{number}"));
            let id = world.start(text, change).await;
            while let Some(claimed) = world.claim().await.pop() {
                BuildPerformer.perform(&world.cx, &claimed).await.unwrap();
            }
            let phases = world.phases(&id).await;
            assert!(!phases.iter().any(|p| p.contains(&denied)), "{phases:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_role_that_is_gone_or_is_for_another_service_may_do_nothing_and_the_phase_says_so() {
    each_engine(machines(), |test| async move {
        let mut world = world(test);
        let site = platform::Site { test_mode: false, ..platform::Site::clone(&world.cx.cx.site) };
        world.cx.cx.site = std::sync::Arc::new(site);
        world.bucket("kept").await;
        let text = "version: 0.2\nphases: {build: {commands: [x]}}\n";
        let source = json!({ "source": { "type": "S3", "location": "kept/app.zip", "buildspec": text } });
        create_role(&world, "build", "codebuild.amazonaws.com").await;
        let id = world.start(text, source).await;
        let gone = serde_json::from_value(json!({ "RoleName": "build" })).unwrap();
        platform::iam::delete_role(&world.cx.cx, gone).await.unwrap();
        world.drive().await;
        let phases = world.phases(&id).await;
        let refused = |phases: &[String]| {
            phases.iter().any(|p| p.contains("s3:GetObject") && p.contains("because its role does not exist or does not"))
        };
        assert!(refused(&phases), "{phases:?}");
        create_role(&world, "build", "codebuild.amazonaws.com").await;
        allow(&world, "s3:*", "*").await;
        let again = serde_json::from_value(json!({ "projectName": "demo" })).unwrap();
        let id = codebuild::start_build(&world.cx.cx, again).await.unwrap().build["id"].as_str().unwrap().to_owned();
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        });
        let trust = json!({ "RoleName": "build", "PolicyDocument": trust.to_string() });
        platform::iam::update_assume_role_policy(&world.cx.cx, serde_json::from_value(trust).unwrap()).await.unwrap();
        world.drive().await;
        let phases = world.phases(&id).await;
        assert!(refused(&phases), "{phases:?}");
        for (project, is_refused) in [("other", true), ("demo", false)] {
            let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": "codebuild.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"},
                    "ArnLike": {"aws:SourceArn": format!("arn:aws:codebuild:*:123456789012:project/{project}")}}}});
            let trust = json!({ "RoleName": "build", "PolicyDocument": trust.to_string() });
            let trust = serde_json::from_value(trust).unwrap();
            platform::iam::update_assume_role_policy(&world.cx.cx, trust).await.unwrap();
            let again = serde_json::from_value(json!({ "projectName": "demo" })).unwrap();
            let started = codebuild::start_build(&world.cx.cx, again).await.unwrap();
            world.drive().await;
            let phases = world.phases(started.build["id"].as_str().unwrap()).await;
            assert_eq!(refused(&phases), is_refused, "{phases:?}");
        }
    })
    .await;
}
