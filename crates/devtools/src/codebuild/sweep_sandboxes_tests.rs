//! How long sandboxes are remembered, on both databases.

use std::time::Duration;

use base::Secret;
use engine::build::BuildInput;
use engine::command_execution::{CommandExecution, ExecutionState, Progress};
use engine::sandbox::{Sandbox, SandboxInput};
use platform::Cx;
use serde_json::json;
use store::machine::{self, NewMachine};
use store::testing::each_engine;
use store::{advance, outbox};

use super::tests::{World, create, machines, world};
use super::{start_sandbox, sweep_sandboxes};

const KEEP: Duration = Duration::from_secs(30 * 24 * 3600);

async fn start(cx: &Cx) -> String {
    let input = serde_json::from_value(json!({ "projectName": "demo" })).unwrap();
    start_sandbox(cx, input).await.unwrap().sandbox["id"].as_str().unwrap().to_owned()
}

/// More commands than one transaction removes.
async fn run_commands(cx: &Cx, sandbox: &str) {
    let (sandbox, scope, submitted) = (sandbox.to_owned(), cx.scope().clone(), cx.now());
    let made = cx.store.write(move |tx| {
        let (sandbox, scope) = (sandbox.clone(), scope.clone());
        Box::pin(async move {
            for n in 0..150 {
                let (id, command) = (format!("{sandbox}-{n}"), Secret::new("true".to_owned()));
                let progress = Progress::Submitted;
                let state = ExecutionState { id: id.clone(), sandbox: sandbox.clone(), command, submitted, progress };
                let new = NewMachine { id, scope: scope.clone(), parent: sandbox.clone(), state };
                machine::create::<CommandExecution>(tx, new).await?;
            }
            Ok::<_, store::Error>(())
        })
    });
    made.await.unwrap();
}

async fn end(cx: &Cx, sandbox: &str) {
    for input in [BuildInput::Stop {}, BuildInput::DeadlinePassed {}] {
        let sandbox = sandbox.to_owned();
        let told = cx.store.write(move |tx| {
            let (sandbox, input) = (sandbox.clone(), SandboxInput::Session(input.clone()));
            Box::pin(async move { advance::<Sandbox>(tx, &sandbox, input).await.map_err(base::ApiError::internal) })
        });
        told.await.unwrap();
    }
}

async fn finish_all(cx: &Cx) {
    for claimed in outbox::claim(&cx.store, "test", 100, Duration::from_secs(60)).await.unwrap() {
        let done = cx.store.write(move |tx| {
            let claimed = claimed.clone();
            Box::pin(async move { outbox::finish(tx, &claimed).await })
        });
        done.await.unwrap();
    }
}

#[tokio::test]
async fn a_sandbox_that_is_over_is_forgotten_with_its_commands_and_not_before_its_time() {
    each_engine(machines(), |test| async move {
        let World { cx, test } = world(test);
        create(&cx, json!({ "source": { "type": "NO_SOURCE", "buildspec": "version: 0.2" } })).await.unwrap();
        let (over, open) = (start(&cx).await, start(&cx).await);
        for id in [&over, &open] {
            run_commands(&cx, id).await;
        }
        end(&cx, &over).await;
        test.clock.advance(KEEP);
        assert_eq!(sweep_sandboxes(&cx.store, KEEP).await.unwrap(), 0);
        test.clock.advance(Duration::from_secs(1));
        assert_eq!(sweep_sandboxes(&cx.store, KEEP).await.unwrap(), 0, "its clean-up is still to come");
        finish_all(&cx).await;
        assert_eq!(sweep_sandboxes(&cx.store, KEEP).await.unwrap(), 1);
        let mut tx = cx.store.read().await.unwrap();
        assert!(machine::get::<Sandbox>(&mut tx, &over).await.unwrap().is_none());
        assert!(machine::get::<Sandbox>(&mut tx, &open).await.unwrap().is_some());
        for (id, left) in [(&over, 0), (&open, 150)] {
            let scope = cx.scope();
            let commands = machine::positions::<CommandExecution>(&mut tx, scope, Some(id), None, 1000, false).await;
            assert_eq!(commands.unwrap().len(), left);
        }
    })
    .await;
}
