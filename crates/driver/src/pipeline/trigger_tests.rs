//! Triggers: which pushes start which pipelines, in which order, and with what.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devtools::{codecommit, codepipeline};
use serde_json::{Value, json};
use store::testing::each_engine;

use super::tests::{World, action, code_commit, input, machines, world};

impl World {
    /// A pipeline whose source action has this trigger. No execution is left under way.
    async fn triggered(&self, git: Value) {
        let mut git = git;
        git["sourceActionName"] = json!("Src");
        let then = action("Ok", "Approval", "Manual", json!({}), (&[], &[]));
        let pipeline = json!({
            "name": "demo", "roleArn": "arn:aws:iam::123456789012:role/p", "pipelineType": "V2",
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "stages": [{"name": "Source", "actions": [code_commit()]}, {"name": "Then", "actions": [then]}],
            "triggers": [{"providerType": "CodeCommit", "gitConfiguration": git}],
        });
        codepipeline::create_pipeline(&self.cx.cx, input(json!({"pipeline": pipeline}))).await.unwrap();
        self.drive().await;
    }

    /// Commits to `branch`, which exists, and gives the commit's id.
    async fn commit(&self, branch: &str, path: &str) -> String {
        let cx = &self.cx.cx;
        let at = input(json!({"repositoryName": "app", "branchName": branch}));
        let at = serde_json::to_value(codecommit::get_branch(cx, at).await.unwrap()).unwrap();
        let put = json!({
            "repositoryName": "app", "branchName": branch, "filePath": path, "fileContent": STANDARD.encode(path),
            "parentCommitId": at["branch"]["commitId"], "commitMessage": path,
        });
        let output = codecommit::put_file(cx, input(put)).await.unwrap();
        serde_json::to_value(&output).unwrap()["commitId"].as_str().unwrap().to_owned()
    }

    /// What the newest execution says of its start, once `count` have begun.
    async fn newest(&self, count: usize) -> (Value, std::collections::BTreeMap<String, String>) {
        self.drive().await;
        let ids = self.executions().await;
        assert_eq!(ids.len(), count, "executions");
        let state = self.state(&ids[0]).await;
        assert_eq!(state.trigger.kind, "WebhookV2");
        let engine::pipeline::ActionStatus::Succeeded { variables, .. } = state.stages[0].actions[0].status.clone()
        else {
            panic!("the source has not succeeded: {:?}", state.stages[0].actions[0].status);
        };
        (serde_json::from_str(&state.trigger.detail).unwrap(), variables)
    }
}

#[tokio::test]
async fn a_push_starts_what_its_branch_and_its_files_match() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        let first = world.push("a.txt", "a", None).await;
        world
            .triggered(json!({"push": [{
                "branches": {"includes": ["main", "release/**"]},
                "filePaths": {"includes": ["src/**"], "excludes": ["**/*.md"]},
            }]}))
            .await;
        for path in ["docs/x", "src/notes.md"] {
            world.commit("main", path).await;
            world.drive().await;
            assert_eq!(world.executions().await.len(), 1, "{path}");
        }
        let before = world.commit("main", "docs/y").await;
        let commit = world.commit("main", "src/lib.rs").await;
        let (detail, variables) = world.newest(2).await;
        assert_eq!(
            detail,
            json!({
                "provider": "CodeCommit", "repository": "app", "event": "push", "branch": "main",
                "commit": commit, "before": before,
            })
        );
        assert_eq!(variables["CommitId"], commit);

        // Another branch than the action's own is built as what was pushed.
        let cx = &world.cx.cx;
        let branch = |name: &str| json!({"repositoryName": "app", "branchName": name, "commitId": first});
        for name in ["release/1/x", "topic"] {
            codecommit::create_branch(cx, input(branch(name))).await.unwrap();
            world.commit(name, "src/new.rs").await;
        }
        let (detail, variables) = world.newest(3).await;
        assert_eq!(detail["branch"], "release/1/x");
        assert_eq!(variables["BranchName"], "release/1/x");
    })
    .await;
}

#[tokio::test]
async fn the_end_of_what_a_push_has_started_tells_of_its_commit() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.push("a.txt", "a", None).await;
        world.triggered(json!({"push": [{"filePaths": {"includes": ["src/*"]}}]})).await;
        let commit = world.commit("main", "src/x").await;
        let (_, variables) = world.newest(2).await;
        let id = world.executions().await.remove(0);
        let stop = json!({"pipelineName": "demo", "pipelineExecutionId": id, "abandon": true});
        codepipeline::stop_pipeline_execution(&world.cx.cx, input(stop)).await.unwrap();
        let mut tx = world.cx.cx.store.read().await.unwrap();
        let told = store::events::pending(&mut tx, 100).await.unwrap();
        let mut details = told.into_iter().map(|row| row.event.detail);
        let own = |d: &Value| d["execution-id"] == json!(id) && d["state"] == "STOPPED" && d.get("stage").is_none();
        let mut trigger = details.find(own).unwrap()["execution-trigger"].take();
        for author in ["author-id", "author-display-name", "author-email"] {
            trigger.as_object_mut().unwrap().remove(author);
        }
        assert_eq!(
            trigger,
            json!({
                "author-date": variables["AuthorDate"], "branch-name": "main", "commit-id": commit,
                "commit-message": "src/x", "full-repository-name": "app", "provider-type": "CodeCommit",
            })
        );
    })
    .await;
}

#[tokio::test]
async fn changes_that_wait_start_in_the_order_in_which_they_came() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.push("a.txt", "a", None).await;
        world.triggered(json!({"push": [{"filePaths": {"includes": ["src/*"]}}]})).await;
        let mut commits = Vec::new();
        for n in 0..5 {
            commits.push(world.commit("main", &format!("src/{n}")).await);
        }
        assert_eq!(world.drive().await, commits.len(), "none is looked at before its turn");
        let mut seen = Vec::new();
        for id in world.executions().await.into_iter().rev().skip(1) {
            let detail: Value = serde_json::from_str(&world.state(&id).await.trigger.detail).unwrap();
            seen.push(detail["commit"].as_str().unwrap().to_owned());
        }
        assert_eq!(seen, commits);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_waits_when_its_pipeline_is_deleted_starts_nothing() {
    each_engine(machines(), |test| async move {
        let world = world(test).await;
        world.push("a.txt", "a", None).await;
        world.triggered(json!({"push": [{"filePaths": {"includes": ["src/*"]}}]})).await;
        world.commit("main", "src/x").await;
        let starter: std::sync::Arc<Vec<std::sync::Arc<dyn crate::Subscriber>>> =
            std::sync::Arc::new(vec![std::sync::Arc::new(super::PipelineStarter {
                ids: std::sync::Arc::new(base::RandomIds),
            })]);
        while crate::bus::publish(&world.cx.cx.store, &starter).await.unwrap() {}
        codepipeline::delete_pipeline(&world.cx.cx, input(json!({"name": "demo"}))).await.unwrap();
        world.drive().await;
        assert_eq!(world.executions().await.len(), 1);
        let mut tx = world.cx.cx.store.read().await.unwrap();
        assert!(store::outbox::owed(&mut tx, codepipeline::TRIGGER).await.unwrap().is_empty());
    })
    .await;
}
