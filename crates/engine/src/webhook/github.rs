//! GitHub's deliveries (<https://docs.github.com/en/webhooks/webhook-events-and-payloads>).
//!
//! Deviation: an author's role is told from how a comment's delivery says that he stands to the repository: a member or
//! collaborator counts as GITHUB_WRITE, whatever permission he was given.

use std::collections::BTreeSet;

use serde_json::Value;

use super::read::{approved_commit, commit, must, text};
use super::{Approval, Delivered, PullRequest, WebhookEvent};

pub(super) fn read(kind: &str, body: &Value) -> Result<Delivered, String> {
    match kind {
        "push" => push(body),
        "pull_request" => pull_request(body),
        "release" => release(body),
        "workflow_job" => workflow_job(body),
        "issue_comment" => comment(body),
        "ping" => Ok(Delivered::Nothing("a ping".to_owned())),
        other => Ok(Delivered::Nothing(format!("the event {other} starts no builds"))),
    }
}

fn common(body: &Value, event: &str) -> WebhookEvent {
    WebhookEvent {
        event: event.to_owned(),
        actor: text(body, "/sender/id"),
        repository: text(body, "/repository/name"),
        organization: text(body, "/organization/login"),
        ..WebhookEvent::default()
    }
}

fn push(body: &Value) -> Result<Delivered, String> {
    let head = must(body, "/ref")?;
    let Some(after) = commit(Some(must(body, "/after")?)) else {
        return Ok(Delivered::Nothing(format!("{head} was deleted")));
    };
    Ok(Delivered::Event(Box::new(WebhookEvent {
        tag: head.strip_prefix("refs/tags/").map(str::to_owned),
        head_ref: Some(head),
        files: Some(changed(body.pointer("/commits").and_then(Value::as_array))),
        message: text(body, "/head_commit/message"),
        source_version: Some(after),
        previous_commit: commit(text(body, "/before")),
        ..common(body, "PUSH")
    })))
}

/// The files that a push's commits name.
pub(super) fn changed(commits: Option<&Vec<Value>>) -> Vec<String> {
    let lists = commits.into_iter().flatten().flat_map(|commit| {
        ["added", "modified", "removed"].into_iter().filter_map(|list| commit.get(list).and_then(Value::as_array))
    });
    let files: BTreeSet<String> = lists.flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    files.into_iter().collect()
}

fn pull_request(body: &Value) -> Result<Delivered, String> {
    let merged = body.pointer("/pull_request/merged").and_then(Value::as_bool) == Some(true);
    let event = match must(body, "/action")?.as_str() {
        "opened" => "PULL_REQUEST_CREATED",
        "synchronize" => "PULL_REQUEST_UPDATED",
        "reopened" => "PULL_REQUEST_REOPENED",
        "closed" if merged => "PULL_REQUEST_MERGED",
        "closed" => "PULL_REQUEST_CLOSED",
        other => return Ok(Delivered::Nothing(format!("a pull request that was {other} starts no builds"))),
    };
    let number = body.pointer("/number").and_then(Value::as_i64).ok_or("the body has no number")?;
    let repository = |side: &str| text(body, &format!("/pull_request/{side}/repo/full_name"));
    Ok(Delivered::Event(Box::new(WebhookEvent {
        base_ref: Some(format!("refs/heads/{}", must(body, "/pull_request/base/ref")?)),
        head_ref: Some(format!("refs/heads/{}", must(body, "/pull_request/head/ref")?)),
        message: text(body, "/pull_request/title"),
        source_version: Some(format!("pr/{number}")),
        previous_commit: commit(text(body, "/before")),
        merge_commit: text(body, "/pull_request/merge_commit_sha").filter(|_| merged),
        pull_request: Some(PullRequest {
            number,
            head: must(body, "/pull_request/head/sha")?,
            is_fork: repository("head") != repository("base"),
        }),
        ..common(body, event)
    })))
}

fn release(body: &Value) -> Result<Delivered, String> {
    let event = match must(body, "/action")?.as_str() {
        "released" => "RELEASED",
        "prereleased" => "PRERELEASED",
        other => return Ok(Delivered::Nothing(format!("a release that was {other} starts no builds"))),
    };
    let tag = must(body, "/release/tag_name")?;
    Ok(Delivered::Event(Box::new(WebhookEvent {
        head_ref: Some(format!("refs/tags/{tag}")),
        release: text(body, "/release/name"),
        source_version: Some(format!("refs/tags/{tag}")),
        tag: Some(tag),
        ..common(body, event)
    })))
}

fn workflow_job(body: &Value) -> Result<Delivered, String> {
    if must(body, "/action")? != "queued" {
        return Ok(Delivered::Nothing("a workflow's job that was not queued starts no builds".to_owned()));
    }
    Ok(Delivered::Event(Box::new(WebhookEvent {
        head_ref: text(body, "/workflow_job/head_branch").map(|branch| format!("refs/heads/{branch}")),
        workflow: text(body, "/workflow_job/workflow_name"),
        source_version: text(body, "/workflow_job/head_sha"),
        ..common(body, "WORKFLOW_JOB_QUEUED")
    })))
}

fn comment(body: &Value) -> Result<Delivered, String> {
    let approved = text(body, "/comment/body").as_deref().and_then(approved_commit);
    let is_new = text(body, "/action").as_deref() == Some("created");
    let (Some(commit), true, true) = (approved, is_new, body.pointer("/issue/pull_request").is_some()) else {
        return Ok(Delivered::Nothing("a comment that approves nothing".to_owned()));
    };
    // The delivery tells how its author stands to the repository, not which permission he was given.
    let roles = match text(body, "/comment/author_association").as_deref() {
        Some("OWNER") => vec!["GITHUB_READ", "GITHUB_TRIAGE", "GITHUB_WRITE", "GITHUB_MAINTAIN", "GITHUB_ADMIN"],
        Some("MEMBER" | "COLLABORATOR") => vec!["GITHUB_READ", "GITHUB_TRIAGE", "GITHUB_WRITE"],
        _ => Vec::new(),
    };
    let number = body.pointer("/issue/number").and_then(Value::as_i64).ok_or("the body has no issue.number")?;
    Ok(Delivered::Approval(Approval { number, commit, roles, actor: must(body, "/sender/id")? }))
}
