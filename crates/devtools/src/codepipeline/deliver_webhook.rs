//! A delivery to the webhook of a pipeline: proven, held against the filters, and turned into an execution.
//!
//! In this order: the URL's token names the webhook; the delivery proves itself (a signature over the body, or the address
//! that it comes from); one that was taken before is refused; then the filters decide. A signature makes a body known for
//! good: its id is not signed, and whoever has seen a delivery could send it again under another one. A delivery that fitted
//! and could not start the pipeline is not taken: it may come again once that is mended.

use std::net::IpAddr;
use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use base::{ApiError, Timestamp};
use engine::pipeline::Trigger;
use platform::Cx;
use serde_json::Value;
use store::Tx;
use store::tables::codepipeline_webhook::{self, Row};

use super::on_event::newest;
use super::put_webhook::identity;
use super::start::{self, Start};
use super::webhook::{Definition, IpRange, arn};

/// How long a delivery's id is remembered. Git servers deliver again for some days at most.
const MEMORY: Duration = Duration::from_secs(30 * 24 * 3600);

/// What was sent.
#[derive(Clone, Debug)]
pub struct WebhookDelivery {
    /// Of the URL.
    pub token: String,
    /// The delivery's own id, if its sender gives one.
    pub id: Option<String>,
    /// X-Hub-Signature-256.
    pub signature_256: Option<String>,
    /// X-Hub-Signature.
    pub signature: Option<String>,
    pub peer: IpAddr,
    pub body: Vec<u8>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebhookAnswer {
    /// The execution's id.
    Started(String),
    /// Taken, and nothing is started: why.
    Ignored(String),
    /// No such webhook.
    Unknown,
    /// Not proven: why.
    Forbidden(&'static str),
    /// It was taken before.
    Replayed,
    /// The body cannot be read.
    Malformed(String),
}

/// Whether there is a webhook of a pipeline with this token.
pub async fn pipeline_webhook_exists(cx: &Cx, token: &str) -> Result<bool, ApiError> {
    let mut tx = cx.store.read().await?;
    Ok(codepipeline_webhook::by_token(&mut tx, token).await?.is_some())
}

/// Takes a delivery.
pub async fn deliver_webhook(cx: &Cx, delivery: WebhookDelivery) -> Result<WebhookAnswer, ApiError> {
    let row = {
        let mut tx = cx.store.read().await?;
        codepipeline_webhook::by_token(&mut tx, &delivery.token).await?
    };
    let Some(row) = row else { return Ok(WebhookAnswer::Unknown) };
    let definition: Definition = serde_json::from_value(row.definition.clone()).map_err(ApiError::internal)?;
    if let Some(why) = unproven(cx, &row, &definition, &delivery)? {
        return Ok(WebhookAnswer::Forbidden(why));
    }
    let body: Value = match serde_json::from_slice(&delivery.body) {
        Ok(body) => body,
        Err(e) => return Ok(WebhookAnswer::Malformed(format!("the body is not JSON: {e}"))),
    };
    let cx = cx.as_service("codepipeline", &row.scope);
    let marks = marks(&definition, &delivery, cx.now());
    let uuid = cx.ids.uuid().to_string();
    let salt = start::salt(&*cx.ids);
    let store = cx.store.clone();
    store
        .write(move |tx| {
            let (row, definition) = (row.clone(), definition.clone());
            let (marks, uuid, body) = (marks.clone(), uuid.clone(), body.clone());
            let salt = salt.clone();
            Box::pin(async move {
                for Mark { text, expires } in &marks {
                    if !codepipeline_webhook::take(tx, &row.token, text, *expires).await? {
                        return Ok(WebhookAnswer::Replayed);
                    }
                }
                match begin(tx, &row, &definition, &body, (uuid.clone(), salt)).await? {
                    Outcome::Started => Ok(WebhookAnswer::Started(uuid)),
                    Outcome::Ignored(why) => Ok(WebhookAnswer::Ignored(why)),
                    Outcome::Failed { code, why } => {
                        for mark in &marks {
                            codepipeline_webhook::give_back(tx, &row.token, &mark.text).await?;
                        }
                        // ListWebhooks shows it.
                        codepipeline_webhook::set_error(tx, &row.token, code, &why).await?;
                        Ok(WebhookAnswer::Ignored(why))
                    }
                }
            })
        })
        .await
}

fn unproven(
    cx: &Cx,
    row: &Row,
    definition: &Definition,
    delivery: &WebhookDelivery,
) -> Result<Option<&'static str>, ApiError> {
    match definition.authentication.as_str() {
        "UNAUTHENTICATED" => Ok(None),
        "IP" => {
            let range = definition.authentication_configuration.allowed_ip_range.as_deref().and_then(IpRange::parse);
            let good = range.is_some_and(|range| range.holds(delivery.peer));
            Ok((!good).then_some("its address is not in the range that the webhook allows"))
        }
        _ => {
            let sealed = row.secret.as_ref().ok_or_else(|| ApiError::internal("a signed webhook without a secret"))?;
            let secret = cx.site.key.open(&identity(&row.scope, &row.name), sealed).map_err(ApiError::internal)?;
            // Where both are given the stronger one counts.
            let (algorithm, given) = match (&delivery.signature_256, &delivery.signature) {
                (Some(given), _) => (hmac::HMAC_SHA256, given.strip_prefix("sha256=")),
                (None, Some(given)) => (hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, given.strip_prefix("sha1=")),
                (None, None) => return Ok(Some("the signature is missing or wrong")),
            };
            let key = hmac::Key::new(algorithm, secret.expose());
            let signature = given.and_then(|text| hex::decode(text).ok());
            let good = signature.is_some_and(|signature| hmac::verify(&key, &delivery.body, &signature).is_ok());
            Ok((!good).then_some("the signature is missing or wrong"))
        }
    }
}

/// What a delivery is known by when it comes again.
#[derive(Clone)]
struct Mark {
    text: String,
    /// A signature does not expire.
    expires: Option<Timestamp>,
}

fn marks(definition: &Definition, delivery: &WebhookDelivery, now: Timestamp) -> Vec<Mark> {
    let id = delivery.id.as_ref().map(|id| format!("id:{}", base::derived_uuid(&[id])));
    let id = id.map(|text| Mark { text, expires: Some(now + MEMORY) });
    let signed = definition.authentication == "GITHUB_HMAC";
    let body = signed.then(|| format!("body:{}", hex::encode(digest::digest(&digest::SHA256, &delivery.body))));
    id.into_iter().chain(body.map(|text| Mark { text, expires: None })).collect()
}

/// What a delivery that was not taken before comes to.
enum Outcome {
    Started,
    /// The filters do not fit.
    Ignored(String),
    /// The filters fit, and the pipeline could not be started.
    Failed {
        code: &'static str,
        why: String,
    },
}

async fn begin(
    tx: &mut Tx,
    row: &Row,
    definition: &Definition,
    body: &Value,
    (id, salt): (String, String),
) -> Result<Outcome, ApiError> {
    let pipeline = &definition.target_pipeline;
    let Some(declaration) = newest(tx, &row.scope, pipeline).await? else {
        let why = format!("the pipeline {pipeline} was deleted");
        return Ok(Outcome::Failed { code: "PipelineNotFound", why });
    };
    let Some(action) = definition.target(&declaration) else {
        let why = format!("the pipeline {pipeline} has no source action {} any more", definition.target_action);
        return Ok(Outcome::Failed { code: "ActionNotFound", why });
    };
    if let Some(why) = definition.filters.iter().find_map(|filter| filter.refuses(body, action)) {
        return Ok(Outcome::Ignored(why));
    }
    if let Some(variable) = declaration.variables.iter().find(|v| v.default_value.is_none()) {
        let why = format!("the pipeline's variable {} has no default value", variable.name);
        return Ok(Outcome::Failed { code: "VariableWithoutValue", why });
    }
    let trigger = Trigger { kind: "Webhook".to_owned(), detail: arn(&row.scope, &row.name) };
    let begin = Start {
        id,
        trigger,
        variables: Default::default(),
        overrides: Vec::new(),
        parent: None,
        // Git servers name no principals of ours.
        starters: Vec::new(),
        salt,
    };
    start::start(tx, &row.scope, declaration.clone(), begin).await?;
    codepipeline_webhook::set_triggered(tx, &row.token).await?;
    Ok(Outcome::Started)
}
