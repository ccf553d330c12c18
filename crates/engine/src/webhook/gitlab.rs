//! GitLab's deliveries (<https://docs.gitlab.com/user/project/integrations/webhook_events/>).

use serde_json::Value;

use super::github::changed;
use super::read::{commit, must, text};
use super::{Delivered, PullRequest, WebhookEvent};

pub(super) fn read(kind: &str, body: &Value) -> Result<Delivered, String> {
    match kind {
        "Push Hook" | "Tag Push Hook" | "System Hook" if body.get("ref").is_some() => push(body),
        "Merge Request Hook" => merge_request(body),
        "Release Hook" => release(body),
        other => Ok(Delivered::Nothing(format!("the event {other} starts no builds"))),
    }
}

fn common(body: &Value, event: &str, actor: Option<String>) -> WebhookEvent {
    WebhookEvent {
        event: event.to_owned(),
        actor,
        repository: text(body, "/project/name"),
        organization: text(body, "/project/namespace"),
        ..WebhookEvent::default()
    }
}

fn push(body: &Value) -> Result<Delivered, String> {
    let head = must(body, "/ref")?;
    let Some(after) = commit(text(body, "/after")) else {
        return Ok(Delivered::Nothing(format!("{head} was deleted")));
    };
    let commits = body.pointer("/commits").and_then(Value::as_array);
    let message = commits.and_then(|list| list.last()).and_then(|last| text(last, "/message"));
    Ok(Delivered::Event(Box::new(WebhookEvent {
        tag: head.strip_prefix("refs/tags/").map(str::to_owned),
        head_ref: Some(head),
        files: Some(changed(commits)),
        message,
        source_version: text(body, "/checkout_sha").or(Some(after)),
        previous_commit: commit(text(body, "/before")),
        ..common(body, "PUSH", text(body, "/user_id"))
    })))
}

fn merge_request(body: &Value) -> Result<Delivered, String> {
    let moved = body.pointer("/object_attributes/oldrev").is_some();
    let event = match text(body, "/object_attributes/action").unwrap_or_default().as_str() {
        "open" => "PULL_REQUEST_CREATED",
        "update" if moved => "PULL_REQUEST_UPDATED",
        "reopen" => "PULL_REQUEST_REOPENED",
        "merge" => "PULL_REQUEST_MERGED",
        "close" => "PULL_REQUEST_CLOSED",
        other => return Ok(Delivered::Nothing(format!("a merge request with action '{other}' starts no builds"))),
    };
    let number = body.pointer("/object_attributes/iid").and_then(Value::as_i64);
    let number = number.ok_or("the body has no object_attributes.iid")?;
    let project = |side: &str| text(body, &format!("/object_attributes/{side}_project_id"));
    Ok(Delivered::Event(Box::new(WebhookEvent {
        base_ref: Some(format!("refs/heads/{}", must(body, "/object_attributes/target_branch")?)),
        head_ref: Some(format!("refs/heads/{}", must(body, "/object_attributes/source_branch")?)),
        message: text(body, "/object_attributes/title"),
        source_version: Some(format!("mr/{number}")),
        previous_commit: text(body, "/object_attributes/oldrev"),
        merge_commit: text(body, "/object_attributes/merge_commit_sha"),
        pull_request: Some(PullRequest {
            number,
            head: must(body, "/object_attributes/last_commit/id")?,
            is_fork: project("source") != project("target"),
        }),
        ..common(body, event, text(body, "/user/id"))
    })))
}

fn release(body: &Value) -> Result<Delivered, String> {
    if text(body, "/action").as_deref() != Some("create") {
        return Ok(Delivered::Nothing("a release that was not created starts no builds".to_owned()));
    }
    let tag = must(body, "/tag")?;
    Ok(Delivered::Event(Box::new(WebhookEvent {
        head_ref: Some(format!("refs/tags/{tag}")),
        release: text(body, "/name"),
        source_version: Some(format!("refs/tags/{tag}")),
        tag: Some(tag),
        ..common(body, "RELEASED", None)
    })))
}
