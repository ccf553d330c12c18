//! GetParameterHistory:
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameterHistory.html>. Oldest first.

use base::{ApiError, PageToken, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::ssm_version;

use super::{errors, find, name, value};
use crate::Cx;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    #[serde(default)]
    pub with_decryption: bool,
    pub max_results: Option<usize>,
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub parameters: Vec<Version>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Version {
    pub name: String,
    pub r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    pub last_modified_date: Timestamp,
    pub last_modified_user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_pattern: Option<String>,
    pub version: i64,
    pub labels: Vec<String>,
    pub tier: String,
    pub policies: Vec<String>,
    pub data_type: String,
}

pub async fn get_parameter_history(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let reference = name::reference(cx.scope(), &input.name);
    let parameter = find::parameter(&mut tx, cx, &reference).await?.ok_or_else(|| errors::not_found(&input.name))?;
    let list = format!("GetParameterHistory {}", parameter.name);
    let after: i64 = match &input.next_token {
        None => 0,
        Some(token) => PageToken::position(&list, token)
            .ok()
            .and_then(|position| position.parse().ok())
            .ok_or_else(errors::bad_token)?,
    };
    let limit = input.max_results.unwrap_or(50).clamp(1, 50);
    let mut rows = ssm_version::list(&mut tx, cx.scope(), &parameter.name).await?;
    rows.retain(|row| row.version > after);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more).map(|row| row.version.to_string());
    let next_token = last.map(|last| PageToken::after(&list, &last).into_string());
    let parameters = rows.into_iter().map(|row| shape(cx, row, input.with_decryption)).collect::<Result<_, _>>()?;
    Ok(Output { parameters, next_token })
}

fn shape(cx: &Cx, row: ssm_version::Row, decrypt: bool) -> Result<Version, ApiError> {
    Ok(Version {
        value: value::from_column(cx, &row, decrypt)?,
        name: row.name,
        r#type: row.kind,
        key_id: row.key_id,
        last_modified_date: row.modified,
        last_modified_user: row.modified_by,
        description: row.description,
        allowed_pattern: row.allowed_pattern,
        version: row.version,
        labels: row.labels,
        tier: row.tier,
        policies: Vec::new(),
        data_type: row.data_type,
    })
}
