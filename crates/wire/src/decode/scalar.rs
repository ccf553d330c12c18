//! Scalars that travel as text: in queries, forms, headers, labels and XML.

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use crate::error::malformed;
use crate::model::{Kind, Protocol, Shape, TimeFormat};
use crate::time;

/// Reads one scalar. `times` is what the place of the text expects where the model is silent.
pub(super) fn parse(
    protocol: Protocol,
    shape: &Shape,
    text: &str,
    times: TimeFormat,
    at: &str,
) -> Result<Value, ApiError> {
    let refuse = |what: &str| Err(malformed(protocol, format!("{text:?} is not {what} at {at:?}")));
    match &shape.kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Boolean => match text.trim() {
            "true" | "True" | "TRUE" | "1" => Ok(Value::Bool(true)),
            "false" | "False" | "FALSE" | "0" => Ok(Value::Bool(false)),
            _ => refuse("a boolean"),
        },
        Kind::Integer => match text.trim().parse::<i32>() {
            Ok(n) => Ok(Value::from(n)),
            Err(_) => refuse("an integer"),
        },
        Kind::Long => match text.trim().parse::<i64>() {
            Ok(n) => Ok(Value::from(n)),
            Err(_) => refuse("a long"),
        },
        Kind::Float => match text.trim().parse::<f64>() {
            Ok(n) => Ok(float(n)),
            Err(_) => refuse("a number"),
        },
        Kind::Blob => match STANDARD.decode(text.trim()) {
            Ok(bytes) => Ok(Value::String(STANDARD.encode(bytes))),
            Err(_) => refuse("base64"),
        },
        Kind::Timestamp(format) => match time::parse(text, format.unwrap_or(times)) {
            Some(t) => Ok(time::canonical(t)),
            None => refuse("a timestamp"),
        },
        Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. } => refuse("what was expected"),
    }
}

/// A float in canonical JSON: a number, or the name of what no JSON number can say.
pub(super) fn float(n: f64) -> Value {
    match Number::from_f64(n) {
        Some(n) => Value::Number(n),
        None if n.is_nan() => Value::String("NaN".to_owned()),
        None if n > 0.0 => Value::String("Infinity".to_owned()),
        None => Value::String("-Infinity".to_owned()),
    }
}
