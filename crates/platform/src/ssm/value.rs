//! Values of versions: sealed where they are secret, and as answers show them.

use base::{ApiError, Timestamp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use store::tables::ssm_version::Row;

use super::name::{self, Selector};
use crate::Cx;

/// The type whose values are secret.
pub(super) const SECURE: &str = "SecureString";

/// A parameter as GetParameter and its like answer it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parameter {
    pub name: String,
    pub r#type: String,
    pub value: String,
    pub version: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
    pub last_modified_date: Timestamp,
    #[serde(rename = "ARN")]
    pub arn: String,
    pub data_type: String,
}

/// The value as the column holds it.
pub(super) fn to_column(cx: &Cx, kind: &str, name: &str, version: i64, value: &str) -> Result<Vec<u8>, ApiError> {
    if kind != SECURE {
        return Ok(value.as_bytes().to_vec());
    }
    let version = version.to_string();
    cx.site.key.seal(&identity(cx, name, &version), value.as_bytes())
}

fn identity<'a>(cx: &'a Cx, name: &'a str, version: &'a str) -> [&'a str; 5] {
    ["ssm_version", cx.scope().account.as_str(), cx.scope().region.as_str(), name, version]
}

/// The value for an answer: of a SecureString in the clear only with `decrypt`, else the sealed bytes in base64.
pub(super) fn from_column(cx: &Cx, row: &Row, decrypt: bool) -> Result<String, ApiError> {
    let bytes = if row.kind != SECURE {
        row.value.clone()
    } else if !decrypt {
        return Ok(STANDARD.encode(&row.value));
    } else {
        let version = row.version.to_string();
        let opened = cx.site.key.open(&identity(cx, &row.name, &version), &row.value);
        let opened = opened.map_err(|e| {
            let text = format!("The value of parameter {} cannot be decrypted: {e}.", row.name);
            ApiError::server("InternalServerError", 500, text)
        })?;
        opened.expose().clone()
    };
    String::from_utf8(bytes).map_err(ApiError::internal)
}

/// A version as an answer shows it.
pub(super) fn shape(cx: &Cx, row: &Row, selector: Option<&Selector>, decrypt: bool) -> Result<Parameter, ApiError> {
    Ok(Parameter {
        name: row.name.clone(),
        r#type: row.kind.clone(),
        value: from_column(cx, row, decrypt)?,
        version: row.version,
        selector: selector.map(Selector::text),
        last_modified_date: row.modified,
        arn: name::arn(cx.scope(), &row.name),
        data_type: row.data_type.clone(),
    })
}
