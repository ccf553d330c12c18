//! Credentials for the registry of an image, up to what the executor gets.

use std::sync::OnceLock;

use base::{CommandOrder, JobSpec};
use executor::{DummyExecutor, Executor, ExecutorError, JobEntry, Position, Progress, Reports, Started};
use futures_util::future::BoxFuture;
use serde_json::json;
use store::testing::each_engine;

use super::registry::with_login;
use super::role_tests::{create_secret, everything_stored};
use super::tests::{World, machines, world};

/// An executor that turns out to be the host's.
#[derive(Default)]
struct Undecided {
    executor: DummyExecutor,
    name: OnceLock<&'static str>,
}

impl Executor for Undecided {
    fn name(&self) -> &'static str {
        self.name.get().copied().unwrap_or("undecided")
    }

    fn describe(&self) -> String {
        self.executor.describe()
    }

    fn prepare<'a>(
        &'a self,
        spec: &'a JobSpec,
        tell: &'a Progress<'a>,
    ) -> BoxFuture<'a, Result<Vec<String>, ExecutorError>> {
        self.executor.prepare(spec, tell)
    }

    fn start<'a>(&'a self, spec: &'a JobSpec) -> BoxFuture<'a, Result<Started, ExecutorError>> {
        self.executor.start(spec)
    }

    fn follow(&self, id: &str, from: Position) -> Reports {
        self.executor.follow(id, from)
    }

    fn order<'a>(&'a self, id: &'a str, order: &'a CommandOrder) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.executor.order(id, order)
    }

    fn cancel<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.executor.cancel(id)
    }

    fn destroy<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), ExecutorError>> {
        self.executor.destroy(id)
    }

    fn decided(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.name.get_or_init(|| "host");
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<Vec<JobEntry>, ExecutorError>> {
        self.executor.list()
    }
}

#[tokio::test]
async fn a_secret_for_images_is_not_read_before_it_is_known_that_images_are_pulled() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let id = start(&world, "demo", "nowhere").await;
        let request = world.state(&id).await.request;
        let run = world.claim().await.remove(0);
        let effect = serde_json::from_value(run.effect).unwrap();
        let engine::build::BuildEffect::Run { job, .. } = effect else { panic!("{effect:?}") };
        let executor = Undecided::default();
        let spec = with_login(&world.cx.cx, &executor, &request, &job).await;
        assert!(spec.is_ok_and(|spec| spec.container.registry.is_none()));
    })
    .await;
}

const TEXT: &str = "version: 0.2\nphases: {build: {commands: [echo here]}}\n";

async fn start(world: &World, name: &str, secret: &str) -> String {
    let environment = json!({
        "type": "LINUX_CONTAINER", "image": "registry.example/i:1", "computeType": "BUILD_GENERAL1_SMALL",
        "imagePullCredentialsType": "SERVICE_ROLE",
        "registryCredential": { "credential": secret, "credentialProvider": "SECRETS_MANAGER" },
    });
    world.start(TEXT, json!({ "name": name, "environment": environment })).await
}

async fn provisioning(world: &World, id: &str) -> String {
    let phase = world.phases(id).await.into_iter().find(|phase| phase.starts_with("PROVISIONING"));
    // The context is shown as JSON.
    phase.unwrap_or_default().replace("\\\"", "\"")
}

#[tokio::test]
async fn the_executor_gets_what_the_secret_holds_and_nobody_else_does() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        create_secret(&world, "registry", r#"{"username": "puller", "password": "pa55-word"}"#).await;
        let id = start(&world, "demo", "registry").await;
        world.drive().await;
        assert_eq!(world.state(&id).await.status_name(), "SUCCEEDED", "{:?}", world.phases(&id).await);
        let login = world.executor.login(id.split(':').nth(1).unwrap()).unwrap();
        assert_eq!((login.username.as_str(), login.password.expose().as_str()), ("puller", "pa55-word"));
        assert!(!everything_stored(&world, &id).await.contains("pa55-word"));
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_fails_provisioning_and_says_what_to_mend() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        create_secret(&world, "list", r#"["pa55-word"]"#).await;
        create_secret(&world, "half", r#"{"username": "puller", "Password": "pa55-word"}"#).await;
        create_secret(&world, "empty", r#"{"username": "", "password": "pa55-word"}"#).await;
        for (secret, why) in [
            ("nowhere", "secretsmanager:GetSecretValue"),
            ("list", "with the strings \"username\" and \"password\""),
            ("half", "with the strings \"username\" and \"password\""),
            ("empty", "must not be empty"),
        ] {
            let id = start(&world, secret, secret).await;
            world.drive().await;
            let phase = provisioning(&world, &id).await;
            assert!(phase.starts_with("PROVISIONING FAILED CLIENT_ERROR"), "{phase}");
            assert!(phase.contains(&format!("registryCredential {secret}: ")) && phase.contains(why), "{phase}");
            assert!(!everything_stored(&world, &id).await.contains("pa55-word"));
            assert_eq!(world.executor.starts(id.split(':').nth(1).unwrap()), 0);
        }
    })
    .await;
}

#[tokio::test]
async fn the_role_must_be_allowed_to_read_the_secret() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole",
            }],
        });
        let role = json!({"RoleName": "build", "AssumeRolePolicyDocument": trust.to_string()});
        platform::iam::create_role(&world.cx.cx, serde_json::from_value(role).unwrap()).await.unwrap();
        create_secret(&world, "registry", r#"{"username": "puller", "password": "pa55-word"}"#).await;
        let id = start(&world, "refused", "registry").await;
        world.drive().await;
        let phase = provisioning(&world, &id).await;
        assert!(phase.contains("not authorized to perform: secretsmanager:GetSecretValue on resource"), "{phase}");
        assert!(phase.contains("role/build must be allowed"), "{phase}");
    })
    .await;
}
