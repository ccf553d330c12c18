//! ListSecretVersionIds: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html>.
//! Oldest first; versions without a stage on request.

use base::{ApiError, PageToken, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::secretsmanager_version;

use super::{errors, find};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
    #[serde(default)]
    pub include_deprecated: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub versions: Vec<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Version {
    pub version_id: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub version_stages: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_accessed_date: Option<Timestamp>,
    pub created_date: Timestamp,
}

pub async fn list_secret_version_ids(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let secret = find::any(&mut tx, cx, &input.secret_id).await?;
    let list = format!("ListSecretVersionIds {} {}", secret.arn, input.include_deprecated);
    let mut rows = secretsmanager_version::list(&mut tx, &secret.arn).await?;
    rows.retain(|row| input.include_deprecated || !row.stages.is_empty());
    let begin = match &input.next_token {
        None => 0,
        Some(token) => {
            let after = PageToken::position(&list, token).map_err(|_| errors::bad_token())?;
            rows.iter().position(|row| row.id == after).map_or(rows.len(), |at| at + 1)
        }
    };
    let limit = input.max_results.unwrap_or(100).clamp(1, 100);
    let mut rows: Vec<_> = rows.into_iter().skip(begin).collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_token = rows.last().filter(|_| more).map(|row| PageToken::after(&list, &row.id).into_string());
    let shape = |row: secretsmanager_version::Row| Version {
        version_id: row.id,
        version_stages: row.stages,
        last_accessed_date: row.accessed,
        created_date: row.created,
    };
    Ok(Output { versions: rows.into_iter().map(shape).collect(), next_token, arn: secret.arn, name: secret.name })
}
