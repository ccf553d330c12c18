use serde_json::{Value, json};

use super::*;

fn event(format: Format, kind: &str, body: &Value) -> WebhookEvent {
    match read(format, kind, body.to_string().as_bytes()).unwrap() {
        Delivered::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

fn github_push() -> Value {
    json!({
        "ref": "refs/heads/main", "before": "0".repeat(40), "after": "a".repeat(40),
        "head_commit": { "message": "Fix it\n\n[ci]" }, "sender": { "id": 77, "login": "mary" },
        "repository": { "name": "app" },
        "commits": [{ "added": ["src/a.rs"], "modified": ["README.md"], "removed": [] }],
    })
}

fn github_pull_request(action: &str, fork: bool) -> Value {
    json!({
        "action": action, "number": 12, "sender": { "id": 77 }, "repository": { "name": "app" },
        "pull_request": {
            "title": "Better", "merged": action == "closed", "merge_commit_sha": "m".repeat(8),
            "head": { "ref": "topic", "sha": "b".repeat(40), "repo": { "full_name": if fork { "eve/app" } else { "acme/app" } } },
            "base": { "ref": "main", "repo": { "full_name": "acme/app" } },
        },
    })
}

#[test]
fn a_push_is_the_same_whoever_sends_it() {
    let github = event(Format::GitHub, "push", &github_push());
    assert_eq!(github.files, Some(vec!["README.md".to_owned(), "src/a.rs".to_owned()]));
    assert_eq!((github.previous_commit.as_deref(), github.source_version.clone()), (None, Some("a".repeat(40))));
    let gitlab = event(
        Format::GitLab,
        "Push Hook",
        &json!({
            "ref": "refs/heads/main", "before": "0".repeat(40), "after": "a".repeat(40), "user_id": 77,
            "project": { "name": "app" },
            "commits": [{ "message": "Fix it\n\n[ci]", "added": ["src/a.rs"], "modified": ["README.md"], "removed": [] }],
        }),
    );
    assert_eq!(gitlab, github);
    let bitbucket = event(
        Format::Bitbucket,
        "repo:push",
        &json!({
            "actor": { "account_id": "77" }, "repository": { "name": "app" },
            "push": { "changes": [
                { "new": null, "old": { "name": "gone" } },
                { "new": { "name": "main", "type": "branch", "target": { "hash": "a".repeat(40), "message": "Fix it\n\n[ci]" } }, "old": null },
            ] },
        }),
    );
    assert_eq!(bitbucket, WebhookEvent { files: None, ..github });
}

#[test]
fn what_starts_no_builds_is_named_and_what_is_broken_is_refused() {
    let deleted = json!({ "ref": "refs/heads/x", "after": "0".repeat(40) });
    for (format, kind, body) in [
        (Format::GitHub, "push", deleted.clone()),
        (Format::GitLab, "Push Hook", deleted),
        (Format::GitHub, "ping", json!({})),
        (Format::GitHub, "star", json!({})),
        (Format::Bitbucket, "repo:fork", json!({})),
    ] {
        assert!(matches!(read(format, kind, body.to_string().as_bytes()), Ok(Delivered::Nothing(_))), "{kind}");
    }
    assert!(read(Format::GitHub, "push", b"{").unwrap_err().contains("not JSON"));
    assert_eq!(read(Format::GitHub, "push", b"[]").unwrap_err(), "the body is not a JSON object");
    assert_eq!(read(Format::GitHub, "pull_request", b"{}").unwrap_err(), "the body has no action");
}

#[test]
fn builds_get_the_published_variables() {
    let request = event(Format::GitHub, "pull_request", &github_pull_request("closed", true));
    let all = request.variables();
    let variable = |name: &str| all.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(variable("CODEBUILD_WEBHOOK_EVENT"), Some("PULL_REQUEST_MERGED"));
    assert_eq!(variable("CODEBUILD_WEBHOOK_TRIGGER"), Some("pr/12"));
    assert_eq!(variable("CODEBUILD_WEBHOOK_BASE_REF"), Some("refs/heads/main"));
    assert_eq!(variable("CODEBUILD_WEBHOOK_MERGE_COMMIT"), Some("mmmmmmmm"));
    assert_eq!(variable("CODEBUILD_WEBHOOK_PREV_COMMIT"), None);
    assert!(request.pull_request.as_ref().is_some_and(|p| p.is_fork && p.number == 12));
    let push = event(Format::GitHub, "push", &github_push()).variables();
    assert!(push.contains(&("CODEBUILD_WEBHOOK_TRIGGER".to_owned(), "branch/main".to_owned())));
}

fn filters(groups: Value) -> Filters {
    let groups: Vec<Vec<Filter>> = serde_json::from_value(groups).unwrap();
    Filters::new(&groups).unwrap_or_else(|errors| panic!("{errors:?}"))
}

#[test]
fn a_group_passes_when_all_its_filters_do_and_one_group_is_enough() {
    let push = event(Format::GitHub, "push", &github_push());
    let is = |kind: &str, pattern: &str| json!({ "type": kind, "pattern": pattern });
    let not = |kind: &str, pattern: &str| json!({ "type": kind, "pattern": pattern, "excludeMatchedPattern": true });
    let on_push = is("EVENT", "PUSH, PULL_REQUEST_MERGED");
    let starts = |groups: Value| decide(&filters(groups), &push);
    assert_eq!(starts(json!([])), None);
    assert_eq!(starts(json!([[on_push, is("HEAD_REF", "^refs/heads/main$"), is("FILE_PATH", "^src/")]])), None);
    assert_eq!(starts(json!([[on_push, not("ACTOR_ACCOUNT_ID", "^12$"), not("COMMIT_MESSAGE", "skip")]])), None);
    assert_eq!(starts(json!([[on_push, is("HEAD_REF", "topic")], [on_push, is("REPOSITORY_NAME", "^app$")]])), None);
    let refused = starts(json!([[on_push, not("FILE_PATH", "README")], [is("EVENT", "RELEASED")]])).unwrap();
    assert_eq!(refused, "group 1: FILE_PATH is excluded; group 2: EVENT does not match");
    let unknown = starts(json!([[on_push, not("BASE_REF", "x")]])).unwrap();
    assert!(unknown.contains("does not tell the BASE_REF"), "{unknown}");
}

#[test]
fn every_type_of_filter_has_its_subject() {
    let release = json!({
        "action": "released", "release": { "tag_name": "v1", "name": "One" }, "repository": { "name": "app" },
        "organization": { "login": "acme" }, "sender": { "id": 1 },
    });
    let release = event(Format::GitHub, "release", &release);
    let group = |filters: &[(&str, &str)]| {
        let list = filters.iter().map(|(kind, pattern)| json!({ "type": kind, "pattern": pattern }));
        json!([list.collect::<Vec<_>>()])
    };
    let all = [
        ("EVENT", "RELEASED"),
        ("TAG_NAME", "^v1$"),
        ("RELEASE_NAME", "^One$"),
        ("HEAD_REF", "^refs/tags/v1$"),
        ("ORGANIZATION_NAME", "^acme$"),
    ];
    assert_eq!(decide(&filters(group(&all)), &release), None);
    let job = json!({
        "action": "queued", "sender": { "id": 1 }, "repository": { "name": "app" },
        "workflow_job": { "workflow_name": "CI", "head_branch": "main", "head_sha": "c0ffee" },
    });
    let job = event(Format::GitHub, "workflow_job", &job);
    let all = [("EVENT", "WORKFLOW_JOB_QUEUED"), ("WORKFLOW_NAME", "^CI$")];
    assert_eq!(decide(&filters(group(&all)), &job), None);
    assert!(decide(&filters(json!([])), &job).is_some(), "only a filter lets it start builds");
}

#[test]
fn patterns_that_cannot_be_used_are_refused_all_at_once() {
    let groups = json!([
        [{ "type": "EVENT", "pattern": "PUSH,PULL" }, { "type": "HEAD_REF", "pattern": "(" }],
        [{ "type": "HEAD_REF", "pattern": "(?=x)" }],
    ]);
    let groups: Vec<Vec<Filter>> = serde_json::from_value(groups).unwrap();
    let Err(errors) = Filters::new(&groups) else { panic!("these are wrong") };
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(errors.contains(&PatternError::UnknownEvent("PULL".to_owned())) && errors.contains(&PatternError::NoEvent));
}

#[test]
fn an_approval_names_its_commit_and_who_may_give_it() {
    let comment = |text: &str, association: &str| {
        let body = json!({
            "action": "created", "issue": { "number": 12, "pull_request": {} }, "sender": { "id": 5 },
            "comment": { "body": text, "author_association": association },
        });
        read(Format::GitHub, "issue_comment", body.to_string().as_bytes()).unwrap()
    };
    let commit = "B".repeat(40);
    let Delivered::Approval(approval) = comment(&format!("Looks good\n/codebuild_run({commit})"), "MEMBER") else {
        panic!("an approval")
    };
    assert_eq!((approval.number, approval.commit), (12, "b".repeat(40)));
    assert!(approval.roles.contains(&"GITHUB_WRITE") && !approval.roles.contains(&"GITHUB_ADMIN"));
    let Delivered::Approval(stranger) = comment(&format!("/codebuild_run({commit})"), "NONE") else { panic!() };
    assert!(stranger.roles.is_empty());
    for other in ["/codebuild_run()", "/codebuild_run(main)", "please /codebuild_run(abcdef1)", "nice"] {
        assert!(matches!(comment(other, "OWNER"), Delivered::Nothing(_)), "{other}");
    }
}
