//! A delivery of a connection's git server: checked, and told on as an event, which starts what watches the repository.
//!
//! The git server gets the URL `/webhooks?c=CONNECTION` (the UUID in the connection's ARN) and the `WebhookSecret` of the
//! connection's secret. Pull requests of forks start nothing: what they bring is not the repository's own.

use std::time::Duration;

use aws_lc_rs::digest;
use base::{ApiError, Event, derived_uuid};
use engine::webhook::{Delivered, Format, WebhookEvent, read};
use formats::pipeline::PullRequestEvent;
use platform::Cx;
use serde_json::{Value, json};
use store::events;
use store::tables::codeconnections_connection::{self, Row};

use super::arn::of_connection;
use super::{ConnectionProvider, login};
use crate::codebuild::proves;

/// The event's source and detail type. Ours: AWS tells nobody of it.
pub(crate) const SOURCE: &str = "headworks.codeconnections";
pub(crate) const DETAIL_TYPE: &str = "Connection Repository State Change";

/// How long a delivery is remembered. Git servers deliver again for some days at most.
const MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a git server sent.
#[derive(Clone, Debug)]
pub struct ConnectionDelivery {
    /// The connection's id.
    pub connection: String,
    pub format: Format,
    /// Which event: X-GitHub-Event, X-Gitlab-Event or X-Event-Key.
    pub kind: String,
    /// The delivery's own id.
    pub id: Option<String>,
    /// `sha256=...` over the body, or GitLab's secret.
    pub signature: Option<String>,
    pub body: Vec<u8>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionAnswer {
    /// Told on.
    Taken,
    /// It starts nothing, whoever watches: why.
    Ignored(String),
    /// No such connection.
    Unknown,
    /// The signature is missing or wrong, or the connection has nothing to check it with: why.
    Forbidden(&'static str),
    /// It was taken before.
    Replayed,
    /// The body cannot be read.
    Malformed(String),
}

/// Whether there is a connection with this id.
pub async fn connection_exists(cx: &Cx, id: &str) -> Result<bool, ApiError> {
    Ok(codeconnections_connection::find(&mut cx.store.read().await?, id).await?.is_some())
}

/// Takes a delivery.
pub async fn deliver_to_connection(cx: &Cx, delivery: ConnectionDelivery) -> Result<ConnectionAnswer, ApiError> {
    let row = codeconnections_connection::find(&mut cx.store.read().await?, &delivery.connection).await?;
    let Some(row) = row else { return Ok(ConnectionAnswer::Unknown) };
    let cx = cx.as_service("codeconnections", &row.scope);
    if ConnectionProvider::parse(&row.provider).map(ConnectionProvider::format) != Some(delivery.format) {
        return Ok(ConnectionAnswer::Forbidden("the connection is to another kind of server"));
    }
    let Some(secret) = login::webhook_secret(&cx, &row.tags).await? else {
        return Ok(ConnectionAnswer::Forbidden("the connection's secret has no WebhookSecret"));
    };
    let given = delivery.signature.as_deref().unwrap_or_default();
    if secret.expose().is_empty() || !proves(delivery.format, secret.expose().as_bytes(), given, &delivery.body) {
        return Ok(ConnectionAnswer::Forbidden("the signature is missing or wrong"));
    }
    let delivered = match read(delivery.format, &delivery.kind, &delivery.body) {
        Ok(delivered) => delivered,
        Err(why) => return Ok(ConnectionAnswer::Malformed(why)),
    };
    let body: Value = serde_json::from_slice(&delivery.body).unwrap_or_default();
    let repository = match delivery.format {
        Format::GitLab => body.pointer("/project/path_with_namespace"),
        Format::GitHub | Format::Bitbucket => body.pointer("/repository/full_name"),
    };
    let Some(repository) = repository.and_then(Value::as_str) else {
        return Ok(ConnectionAnswer::Malformed("the body does not name its repository".to_owned()));
    };
    let told = match delivered {
        Delivered::Event(mut event) => {
            // GitLab names the first twenty commits only.
            let named = body.pointer("/commits").and_then(Value::as_array).map(Vec::len).unwrap_or_default();
            let count = body.pointer("/total_commits_count").and_then(Value::as_u64).unwrap_or_default();
            event.files.take_if(|_| usize::try_from(count).is_ok_and(|count| count > named));
            told(&row, repository, &event)
        }
        Delivered::Approval(_) => Err("comments start no pipelines".to_owned()),
        Delivered::Nothing(why) => Err(why),
    };
    let hash = digest::digest(&digest::SHA256, &[delivery.kind.as_bytes(), b"\n", &delivery.body].concat());
    // Its id is not signed: whoever has seen a delivery could send it again under another one.
    let body_mark = format!("body:{}", hex::encode(hash));
    let id_mark = delivery.id.as_ref().map(|id| format!("id:{}", derived_uuid(&[id])));
    let marks: Vec<String> = id_mark.into_iter().chain([body_mark.clone()]).collect();
    let since = cx.now() - MEMORY;
    cx.store
        .write(move |tx| {
            let (row, told, marks, body_mark) = (row.clone(), told.clone(), marks.clone(), body_mark.clone());
            Box::pin(async move {
                for mark in &marks {
                    if !codeconnections_connection::take(tx, &row.id, mark, since).await? {
                        return Ok(ConnectionAnswer::Replayed);
                    }
                }
                match told {
                    Ok(event) => {
                        let id = derived_uuid(&["codeconnections", &row.id, &body_mark]).to_string();
                        events::append(tx, &row.scope, &event, &id).await?;
                        Ok(ConnectionAnswer::Taken)
                    }
                    Err(why) => Ok(ConnectionAnswer::Ignored(why)),
                }
            })
        })
        .await
}

/// The event for those who watch the repository, or why nobody is to be told.
fn told(row: &Row, repository: &str, event: &WebhookEvent) -> Result<Event, String> {
    let branch = |full: &Option<String>| full.as_deref()?.strip_prefix("refs/heads/").map(str::to_owned);
    let mut detail = match (event.event.as_str(), &event.pull_request) {
        ("PUSH", None) => {
            let (kind, name) = match (&event.tag, branch(&event.head_ref)) {
                (Some(tag), _) => ("tag", tag.clone()),
                (None, Some(branch)) => ("branch", branch),
                (None, None) => return Err("neither a branch nor a tag was pushed".to_owned()),
            };
            json!({
                "event": "push", "referenceType": kind, "referenceName": name,
                "commitId": event.source_version, "oldCommitId": event.previous_commit,
            })
        }
        (_, Some(request)) if request.is_fork => return Err("a pull request of a fork starts no pipeline".to_owned()),
        (kind, Some(request)) => {
            let kind = match kind {
                "PULL_REQUEST_CREATED" => PullRequestEvent::Open,
                "PULL_REQUEST_UPDATED" => PullRequestEvent::Updated,
                "PULL_REQUEST_MERGED" => PullRequestEvent::Closed,
                other => return Err(format!("{other} starts no pipeline")),
            };
            let (Some(target), Some(source)) = (branch(&event.base_ref), branch(&event.head_ref)) else {
                return Err("the pull request names no branches".to_owned());
            };
            json!({
                "event": "pullRequest", "pullRequestEvent": kind.as_str(), "pullRequestId": request.number,
                "referenceType": "branch", "referenceName": source, "targetBranch": target, "commitId": request.head,
            })
        }
        (other, None) => return Err(format!("{other} starts no pipeline")),
    };
    let connection = of_connection(&row.scope, &row.service, &row.id);
    if let Value::Object(members) = &mut detail {
        members.insert("connectionArn".to_owned(), connection.clone().into());
        members.insert("fullRepositoryId".to_owned(), repository.into());
        // A branch that is new is compared with nothing: the commits of a delivery are not all that it brings.
        if let Some(files) = event.files.as_ref().filter(|_| event.previous_commit.is_some()) {
            members.insert("files".to_owned(), json!(files));
        }
    }
    Ok(Event { source: SOURCE.to_owned(), detail_type: DETAIL_TYPE.to_owned(), resources: vec![connection], detail })
}
