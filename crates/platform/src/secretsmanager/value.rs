//! Values of versions: what requests bring, sealed in the row, and out again.

use base::{ApiError, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use store::tables::secretsmanager_version::Row;

use super::errors;
use crate::Cx;

const MAX_BYTES: usize = 65_536;

/// A value: text or bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(Secret<String>),
    Bytes(Secret<Vec<u8>>),
}

/// A value as answers have it: one of the two.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_string: Option<Secret<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_binary: Option<Secret<String>>,
}

impl Value {
    /// The value of a request, if it has one. `binary` is base64, as canonical JSON has blobs.
    pub(super) fn of(
        text: Option<&Secret<String>>,
        binary: Option<&Secret<String>>,
    ) -> Result<Option<Value>, ApiError> {
        let value = match (text, binary) {
            (Some(_), Some(_)) => {
                return Err(errors::parameter(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
            (Some(text), None) => Value::Text(text.clone()),
            (None, Some(binary)) => {
                let bytes = STANDARD.decode(binary.expose()).map_err(ApiError::internal)?;
                Value::Bytes(Secret::new(bytes))
            }
            (None, None) => return Ok(None),
        };
        if value.bytes().len() > MAX_BYTES {
            return Err(errors::parameter(format!("A secret value can have at most {MAX_BYTES} bytes.")));
        }
        Ok(Some(value))
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Value::Text(text) => text.expose().as_bytes(),
            Value::Bytes(bytes) => bytes.expose(),
        }
    }

    /// What the column `kind` says.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "string",
            Value::Bytes(_) => "binary",
        }
    }

    /// The value sealed for its row.
    pub(super) fn seal(&self, cx: &Cx, secret: &str, version: &str) -> Result<Vec<u8>, ApiError> {
        cx.site.key.seal(&["secretsmanager_version", secret, version, self.kind()], self.bytes())
    }

    /// The value of a row.
    pub(super) fn open(cx: &Cx, secret: &str, row: &Row) -> Result<Value, ApiError> {
        let opened = cx.site.key.open(&["secretsmanager_version", secret, &row.id, &row.kind], &row.value);
        let opened = opened.map_err(|e| {
            let text = format!("Secrets Manager can't decrypt the protected secret text: {e}.");
            ApiError::new("DecryptionFailure", text)
        })?;
        if row.kind == "binary" {
            return Ok(Value::Bytes(opened));
        }
        Ok(Value::Text(Secret::new(String::from_utf8(opened.expose().clone()).map_err(ApiError::internal)?)))
    }

    /// As answers have it.
    pub(super) fn shown(&self) -> Shown {
        match self {
            Value::Text(text) => Shown { secret_string: Some(text.clone()), secret_binary: None },
            Value::Bytes(bytes) => {
                Shown { secret_string: None, secret_binary: Some(Secret::new(STANDARD.encode(bytes.expose()))) }
            }
        }
    }
}
