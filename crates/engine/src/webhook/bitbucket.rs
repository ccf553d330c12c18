//! Bitbucket's deliveries (<https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/>). They name no files.

use serde_json::Value;

use super::read::{must, text};
use super::{Delivered, PullRequest, WebhookEvent};

pub(super) fn read(kind: &str, body: &Value) -> Result<Delivered, String> {
    let event = match kind {
        "repo:push" => return push(body),
        "pullrequest:created" => "PULL_REQUEST_CREATED",
        "pullrequest:updated" => "PULL_REQUEST_UPDATED",
        "pullrequest:fulfilled" => "PULL_REQUEST_MERGED",
        "pullrequest:rejected" => "PULL_REQUEST_CLOSED",
        other => return Ok(Delivered::Nothing(format!("the event {other} starts no builds"))),
    };
    pull_request(body, event)
}

fn common(body: &Value, event: &str) -> WebhookEvent {
    WebhookEvent {
        event: event.to_owned(),
        actor: text(body, "/actor/account_id").or_else(|| text(body, "/actor/uuid")),
        repository: text(body, "/repository/name"),
        organization: text(body, "/repository/workspace/slug"),
        ..WebhookEvent::default()
    }
}

/// A push may change several refs; the first that is not a deletion counts.
fn push(body: &Value) -> Result<Delivered, String> {
    let changes = body.pointer("/push/changes").and_then(Value::as_array).ok_or("the body has no push.changes")?;
    let Some(change) = changes.iter().find(|change| change.get("new").is_some_and(|new| !new.is_null())) else {
        return Ok(Delivered::Nothing("refs were deleted".to_owned()));
    };
    let name = must(change, "/new/name")?;
    let is_tag = text(change, "/new/type").as_deref() == Some("tag");
    Ok(Delivered::Event(Box::new(WebhookEvent {
        head_ref: Some(format!("refs/{}/{name}", if is_tag { "tags" } else { "heads" })),
        tag: is_tag.then(|| name.clone()),
        message: text(change, "/new/target/message"),
        source_version: Some(must(change, "/new/target/hash")?),
        previous_commit: text(change, "/old/target/hash"),
        ..common(body, "PUSH")
    })))
}

fn pull_request(body: &Value, event: &str) -> Result<Delivered, String> {
    let number = body.pointer("/pullrequest/id").and_then(Value::as_i64).ok_or("the body has no pullrequest.id")?;
    let head = must(body, "/pullrequest/source/commit/hash")?;
    let repository = |side: &str| text(body, &format!("/pullrequest/{side}/repository/full_name"));
    Ok(Delivered::Event(Box::new(WebhookEvent {
        base_ref: Some(format!("refs/heads/{}", must(body, "/pullrequest/destination/branch/name")?)),
        head_ref: Some(format!("refs/heads/{}", must(body, "/pullrequest/source/branch/name")?)),
        message: text(body, "/pullrequest/title"),
        // Bitbucket has no refs for pull requests.
        source_version: Some(head.clone()),
        merge_commit: text(body, "/pullrequest/merge_commit/hash"),
        pull_request: Some(PullRequest { number, head, is_fork: repository("source") != repository("destination") }),
        ..common(body, event)
    })))
}
