//! GetSecretValue: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>. The day of
//! the read is noted, once a day.

use std::time::Duration;

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::{secretsmanager_secret, secretsmanager_version};

use super::find;
use super::value::{Shown, Value};
use crate::Cx;
use crate::transact::transact;

const DAY: Duration = Duration::from_secs(86_400);

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
    pub version_id: Option<String>,
    pub version_stage: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
    pub version_id: String,
    #[serde(flatten)]
    pub value: Shown,
    pub version_stages: Vec<String>,
    pub created_date: Timestamp,
}

pub async fn get_secret_value(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (output, is_news) = {
        let mut tx = cx.store.read().await?;
        read(&mut tx, cx, &input).await?
    };
    if is_news {
        transact(cx, input, |tx, cx, input| Box::pin(note(tx, cx, input))).await?;
    }
    Ok(output)
}

/// The value, and whether it is the first read of the day.
pub(super) async fn read(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<(Output, bool), ApiError> {
    let secret = find::live(tx, cx, &input.secret_id).await?;
    let (id, stage) = (input.version_id.as_deref(), input.version_stage.as_deref());
    let version = find::version(tx, &secret, id, stage).await?;
    let value = Value::open(cx, &secret.arn, &version)?;
    let today = Some(today(cx));
    let output = Output {
        arn: secret.arn,
        name: secret.name,
        version_id: version.id,
        value: value.shown(),
        version_stages: version.stages,
        created_date: version.created,
    };
    Ok((output, secret.accessed != today || version.accessed != today))
}

pub(super) async fn note(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<(), ApiError> {
    let mut secret = find::live(tx, cx, &input.secret_id).await?;
    let version = find::version(tx, &secret, input.version_id.as_deref(), input.version_stage.as_deref()).await?;
    secret.accessed = Some(today(cx));
    secretsmanager_secret::update(tx, &secret).await?;
    Ok(secretsmanager_version::set_accessed(tx, &secret.arn, &version.id, today(cx)).await?)
}

/// The day's beginning, UTC.
fn today(cx: &Cx) -> Timestamp {
    let day = i64::try_from(DAY.as_secs()).unwrap_or(86_400);
    Timestamp::from_secs(cx.now().secs().div_euclid(day) * day)
}
