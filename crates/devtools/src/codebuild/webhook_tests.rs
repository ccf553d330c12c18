//! Deliveries of webhooks, on both databases.

use aws_lc_rs::hmac;
use engine::webhook::Format;
use platform::Cx;
use serde_json::{Value, json};
use store::testing::each_engine;

use super::tests::{World, create, machines, start, state, world};
use super::*;

/// A project whose source is at a git server elsewhere, and its webhook.
async fn hooked(cx: &Cx, name: &str, kind: &str, change: Value) -> Value {
    let host = match kind {
        "GITLAB" => "gitlab.com",
        "BITBUCKET" => "bitbucket.org",
        _ => "github.com",
    };
    let source = json!({ "type": kind, "location": format!("https://{host}/acme/app.git") });
    let mut project = json!({ "name": name, "source": source });
    project.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    create(cx, project).await.unwrap();
    webhook(cx, json!({ "projectName": name })).await.unwrap()
}

async fn webhook(cx: &Cx, input: Value) -> Result<Value, base::ApiError> {
    create_webhook(cx, serde_json::from_value(input).unwrap()).await.map(|output| output.webhook)
}

/// Delivers an event, as the git server would.
async fn send(cx: &Cx, hook: &Value, kind: &str, body: &Value) -> Taken {
    let format = match kind {
        "Merge Request Hook" => Format::GitLab,
        _ if kind.contains(':') => Format::Bitbucket,
        _ => Format::GitHub,
    };
    let (secret, body) = (hook["secret"].as_str().unwrap(), body.to_string().into_bytes());
    let signature = match format {
        Format::GitLab => secret.to_owned(),
        Format::GitHub | Format::Bitbucket => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            format!("sha256={}", hex::encode(hmac::sign(&key, &body)))
        }
    };
    let url = hook["payloadUrl"].as_str().unwrap();
    let token = url.split_once("?t=").unwrap().1.split('&').next().unwrap().to_owned();
    let delivery =
        Delivery { token, format, kind: kind.to_owned(), id: None, signature: Some(signature), user_agent: None, body };
    deliver(cx, delivery).await.unwrap()
}

async fn started(cx: &Cx, taken: Taken) -> engine::build::Request {
    let Taken::Started(id) = taken else { panic!("{taken:?}") };
    state(cx, &id).await.request
}

fn github(fork: bool) -> Value {
    json!({
        "action": "opened", "number": 7, "sender": { "id": 1 }, "repository": { "name": "app" },
        "pull_request": {
            "title": "Better",
            "head": { "ref": "main", "sha": "b".repeat(40), "repo": { "full_name": if fork { "eve/app" } else { "acme/app" } } },
            "base": { "ref": "main", "repo": { "full_name": "acme/app" } },
        },
    })
}

fn push() -> Value {
    json!({
        "ref": "refs/heads/main", "before": "0".repeat(40), "after": "a".repeat(40), "head_commit": { "message": "m" },
        "sender": { "id": 1 }, "repository": { "name": "app" }, "commits": [],
    })
}

#[tokio::test]
async fn builds_of_pull_requests_fill_no_caches_whichever_host_they_come_from() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let hook = hooked(&cx, "github", "GITHUB", json!({})).await;
        assert_eq!(send(&cx, &hook, "pull_request", &github(true)).await, Taken::Held);
        let comment = json!({
            "action": "created", "issue": { "number": 7, "pull_request": {} }, "sender": { "id": 2 },
            "comment": { "body": format!("/codebuild_run({})", "b".repeat(40)), "author_association": "OWNER" },
        });
        let request = started(&cx, send(&cx, &hook, "issue_comment", &comment).await).await;
        assert_eq!(request.source.version, Some("b".repeat(40)), "what was approved");
        assert!(!request.may_fill_caches(), "an approved fork");
        let own = started(&cx, send(&cx, &hook, "pull_request", &github(false)).await).await;
        assert!(!own.may_fill_caches(), "a pull request");
        let trusted = started(&cx, send(&cx, &hook, "push", &push()).await).await;
        assert!(trusted.may_fill_caches(), "a push");

        let hook = hooked(&cx, "gitlab", "GITLAB", json!({})).await;
        let merge_request = json!({
            "user": { "id": 1 }, "project": { "name": "app" },
            "object_attributes": {
                "action": "open", "iid": 7, "title": "Better", "source_branch": "main", "target_branch": "main",
                "source_project_id": 1, "target_project_id": 1, "last_commit": { "id": "c".repeat(40) },
            },
        });
        let request = started(&cx, send(&cx, &hook, "Merge Request Hook", &merge_request).await).await;
        assert!(!request.may_fill_caches(), "a merge request");

        let hook = hooked(&cx, "bitbucket", "BITBUCKET", json!({})).await;
        let side = |branch: &str| json!({ "branch": { "name": branch }, "commit": { "hash": "d".repeat(40) }, "repository": { "full_name": "acme/app" } });
        let pull_request = json!({
            "actor": { "account_id": "1" }, "repository": { "name": "app" },
            "pullrequest": { "id": 7, "title": "Better", "source": side("topic"), "destination": side("main") },
        });
        let request = started(&cx, send(&cx, &hook, "pullrequest:created", &pull_request).await).await;
        assert_eq!(request.source.version, Some("d".repeat(40)));
        assert!(!request.may_fill_caches(), "a pull request at Bitbucket");
    })
    .await;
}

#[tokio::test]
async fn a_pull_request_that_is_named_by_hand_fills_no_caches_and_neither_does_its_retry() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        create(&cx, json!({})).await.unwrap();
        for version in ["pr/7", "mr/7"] {
            let build = start(&cx, json!({ "sourceVersion": version })).await.unwrap();
            assert!(!state(&cx, build["id"].as_str().unwrap()).await.request.may_fill_caches(), "{version}");
        }
        let hook = hooked(&cx, "github", "GITHUB", json!({})).await;
        let Taken::Started(id) = send(&cx, &hook, "pull_request", &github(false)).await else { panic!("not started") };
        stop_build(&cx, stop_build::Input { id: id.clone() }).await.unwrap();
        let input = retry_build::Input { id: Some(id), idempotency_token: None };
        let again = retry_build(&cx, input).await.unwrap().build;
        assert!(!state(&cx, again["id"].as_str().unwrap()).await.request.may_fill_caches());
    })
    .await;
}

#[tokio::test]
async fn a_webhook_for_runners_is_refused_and_a_workflows_job_starts_nothing() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let hook = hooked(&cx, "demo", "GITHUB", json!({})).await;
        let groups = json!([[{ "type": "EVENT", "pattern": "PUSH, WORKFLOW_JOB_QUEUED" }]]);
        let input = json!({ "projectName": "demo", "filterGroups": groups });
        let refused = update_webhook(&cx, serde_json::from_value(input.clone()).unwrap()).await.unwrap_err();
        assert_eq!(refused.code, "InvalidInputException");
        assert!(refused.message.contains("WORKFLOW_JOB_QUEUED"), "{}", refused.message);
        let job = json!({
            "action": "queued", "sender": { "id": 1 }, "repository": { "name": "app" },
            "workflow_job": { "workflow_name": "CI", "head_branch": "main", "head_sha": "c0ffee" },
        });
        let Taken::Ignored(why) = send(&cx, &hook, "workflow_job", &job).await else { panic!("a build was started") };
        assert!(why.contains("no runners"), "{why}");
        delete_webhook(&cx, delete_webhook::Input { project_name: "demo".to_owned() }).await.unwrap();
        let refused = webhook(&cx, input).await.unwrap_err();
        assert!(refused.message.contains("WORKFLOW_JOB_QUEUED"), "{}", refused.message);
    })
    .await;
}

#[tokio::test]
async fn a_badge_is_of_the_branch_that_was_pushed_and_of_no_pull_request() {
    each_engine(machines(), |test| async move {
        let World { cx, test: _test } = world(test);
        let hook = hooked(&cx, "demo", "GITHUB", json!({ "badgeEnabled": true })).await;
        let names = vec!["demo".to_owned()];
        let found = batch_get_projects(&cx, batch_get_projects::Input { names }).await.unwrap();
        let url = found.projects[0]["badge"]["badgeRequestUrl"].as_str().unwrap().to_owned();
        let uuid = url.split_once("uuid=").unwrap().1.split('&').next().unwrap().to_owned();
        let shows = async |branch: &str, word: &str| {
            let picture = badge(&cx, &uuid, Some(branch)).await.unwrap().unwrap();
            assert!(picture.contains(&format!("build: {word}")), "{branch}: {picture}");
        };
        // Its branch is called main as well, in another repository.
        started(&cx, send(&cx, &hook, "pull_request", &github(false)).await).await;
        shows("main", "unknown").await;
        let request = started(&cx, send(&cx, &hook, "push", &push()).await).await;
        assert_eq!((request.branch.as_deref(), request.source.version), (Some("main"), Some("a".repeat(40))));
        shows("main", "in progress").await;
        shows("refs/heads/main", "in progress").await;
        shows("other", "unknown").await;
    })
    .await;
}
