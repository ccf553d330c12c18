//! A delivery of a webhook: checked, held against the filters, and turned into a build or a batch.
//!
//! In this order: the URL's token names the webhook; the signature is checked (GitHub and Bitbucket sign the body, GitLab
//! sends the secret); a delivery that was taken before, by its id or by its body, is refused; then the filters decide.
//! A pull request whose build needs an approval waits for a comment that names its newest commit; an older approval is
//! void as soon as there is a newer commit.
//!
//! Deviation: only comments at GitHub approve. A pull request of a fork at GitLab or Bitbucket waits until its webhook's
//! policy lets it be built without an approval.

use std::time::Duration;

use aws_lc_rs::{constant_time, digest, hmac};
use base::ApiError;
use engine::webhook::{Approval, Delivered, Filter, Format, WebhookEvent, decide, read};
use platform::Cx;
use store::Tx;
use store::tables::codebuild_webhook::{self, PullRequest, Row};

use super::begin::begin;
use super::begin_batch::{batch_request, begin_batch};
use super::check;
use super::project::{Project, find, parse};
use super::settle::{Particulars, settle};
use super::webhook::{PullRequestBuildPolicy, Webhook};
use super::webhook_secret;

/// How long a delivery is remembered. Git servers deliver again for some days at most.
const MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);

/// What a git server sent.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Of the URL.
    pub token: String,
    pub format: Format,
    /// Which event: X-GitHub-Event, X-Gitlab-Event or X-Event-Key.
    pub kind: String,
    /// The delivery's own id.
    pub id: Option<String>,
    /// `sha256=...` over the body, or GitLab's secret.
    pub signature: Option<String>,
    pub user_agent: Option<String>,
    pub body: Vec<u8>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The id of the build or the batch.
    Started(String),
    /// Taken, and nothing is started: why.
    Ignored(String),
    /// A pull request waits for its approval.
    Held,
    /// No such webhook.
    Unknown,
    /// The signature is missing or wrong.
    Forbidden,
    /// It was taken before.
    Replayed,
    /// The body cannot be read.
    Malformed(String),
}

/// Whether there is a webhook with this token.
pub async fn webhook_exists(cx: &Cx, token: &str) -> Result<bool, ApiError> {
    let mut tx = cx.store.read().await?;
    Ok(codebuild_webhook::by_token(&mut tx, token).await?.is_some())
}

/// Takes a delivery.
pub async fn deliver(cx: &Cx, delivery: Delivery) -> Result<Taken, ApiError> {
    let row = {
        let mut tx = cx.store.read().await?;
        codebuild_webhook::by_token(&mut tx, &delivery.token).await?
    };
    let Some(row) = row else { return Ok(Taken::Unknown) };
    if !is_genuine(cx, &row, &delivery)? {
        return Ok(Taken::Forbidden);
    }
    let delivered = match read(delivery.format, &delivery.kind, &delivery.body) {
        Ok(delivered) => delivered,
        Err(why) => return Ok(Taken::Malformed(why)),
    };
    let cx = cx.as_service("codebuild", &row.scope);
    let uuid = cx.ids.uuid().to_string();
    let marks = marks(&delivery);
    let agent = delivery.user_agent.unwrap_or_else(|| "webhook".to_owned());
    let store = cx.store.clone();
    store
        .write(move |tx| {
            let (cx, row, delivered, uuid) = (cx.clone(), row.clone(), delivered.clone(), uuid.clone());
            let (marks, agent) = (marks.clone(), agent.clone());
            Box::pin(async move {
                let since = cx.now() - MEMORY;
                for mark in &marks {
                    if !codebuild_webhook::take(tx, &row.token, mark, since).await? {
                        return Ok(Taken::Replayed);
                    }
                }
                match delivered {
                    Delivered::Nothing(why) => Ok(Taken::Ignored(why)),
                    Delivered::Event(event) => happened(tx, &cx, &row, *event, Start { uuid, agent }).await,
                    Delivered::Approval(approval) => approved(tx, &cx, &row, approval, Start { uuid, agent }).await,
                }
            })
        })
        .await
}

fn is_genuine(cx: &Cx, row: &Row, delivery: &Delivery) -> Result<bool, ApiError> {
    let secret = webhook_secret::open(cx, row)?;
    let Some(given) = delivery.signature.as_deref() else { return Ok(false) };
    Ok(proves(delivery.format, secret.expose(), given, &delivery.body))
}

/// Whether what a delivery gives as its signature shows that its sender knows the secret.
pub(crate) fn proves(format: Format, secret: &[u8], given: &str, body: &[u8]) -> bool {
    match format {
        Format::GitLab => constant_time::verify_slices_are_equal(given.as_bytes(), secret).is_ok(),
        Format::GitHub | Format::Bitbucket => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            let signature = given.strip_prefix("sha256=").and_then(|text| hex::decode(text).ok());
            signature.is_some_and(|signature| hmac::verify(&key, body, &signature).is_ok())
        }
    }
}

/// Its id is not signed: whoever has seen a delivery could send it again under another one.
fn marks(delivery: &Delivery) -> Vec<String> {
    let body = digest::digest(&digest::SHA256, &[delivery.kind.as_bytes(), b"\n", &delivery.body].concat());
    let id = delivery.id.as_ref().map(|id| format!("id:{}", base::derived_uuid(&[id])));
    id.into_iter().chain([format!("body:{}", hex::encode(body))]).collect()
}

struct Start {
    uuid: String,
    agent: String,
}

async fn happened(tx: &mut Tx, cx: &Cx, row: &Row, event: WebhookEvent, start: Start) -> Result<Taken, ApiError> {
    let webhook = Webhook::of(row)?;
    if event.event == Filter::RUNNER_EVENT {
        return Ok(Taken::Ignored("this server has no runners of GitHub Actions".to_owned()));
    }
    if let Some(why) = decide(&webhook.filters()?, &event) {
        return Ok(Taken::Ignored(why));
    }
    let policy = webhook.pull_request_build_policy.as_ref();
    if let Some(request) = &event.pull_request
        && PullRequestBuildPolicy::wants_approval(policy, request.is_fork)
    {
        let text = serde_json::to_string(&event).map_err(ApiError::internal)?;
        let held = PullRequest { head: request.head.clone(), event: text };
        codebuild_webhook::hold(tx, &row.token, request.number, &held).await?;
        return Ok(Taken::Held);
    }
    begin_for(tx, cx, row, &webhook, &event, start).await
}

async fn approved(tx: &mut Tx, cx: &Cx, row: &Row, approval: Approval, start: Start) -> Result<Taken, ApiError> {
    let webhook = Webhook::of(row)?;
    let ignored = |why: &str| Ok(Taken::Ignored(why.to_owned()));
    if !PullRequestBuildPolicy::lets_approve(webhook.pull_request_build_policy.as_ref(), &approval.roles) {
        return ignored("the comment's author may not approve builds");
    }
    let Some(held) = codebuild_webhook::held(tx, &row.token, approval.number).await? else {
        return ignored("no build of this pull request waits");
    };
    if !held.head.starts_with(&approval.commit) {
        return ignored("the comment names another commit than the newest one");
    }
    let mut event: WebhookEvent = serde_json::from_str(&held.event).map_err(ApiError::internal)?;
    // What was approved is built, whatever is pushed meanwhile.
    event.source_version = Some(held.head);
    begin_for(tx, cx, row, &webhook, &event, start).await
}

async fn begin_for(
    tx: &mut Tx,
    cx: &Cx,
    row: &Row,
    webhook: &Webhook,
    event: &WebhookEvent,
    Start { uuid, agent }: Start,
) -> Result<Taken, ApiError> {
    let Some(project) = find(tx, cx.scope(), &row.project).await? else {
        return Ok(Taken::Ignored("its project was deleted".to_owned()));
    };
    cx.room()?;
    let mut project: Project = parse(&project)?;
    project.source_version = event.source_version.clone();
    check::project(cx, &project)?;
    let particulars = Particulars { uuid, initiator: agent, parent: None, submitted: cx.now() };
    let mut request = settle(cx, &project, particulars)?;
    request.published = event.variables().into_iter().collect();
    // The version does not tell: an approved pull request, or one at Bitbucket, is built by its commit.
    request.is_proposed = event.pull_request.is_some();
    request.branch = event.branch().map(str::to_owned);
    if webhook.build_type == "BUILD_BATCH" {
        let config = project.build_batch_config.clone().unwrap_or_default();
        let state = begin_batch(tx, batch_request(request, config, None)?, None).await?;
        return Ok(Taken::Started(state.request.template.id));
    }
    let state = begin(tx, request, None).await?;
    Ok(Taken::Started(state.request.id))
}
