//! Scalars as text, for headers and XML.

use std::borrow::Cow;

use base::Timestamp;
use serde_json::Value;

use crate::model::{Kind, Shape, TimeFormat};
use crate::time;

/// A time in canonical JSON.
pub(super) fn timestamp(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(Timestamp::parse)
}

/// The text of a scalar; `None` when the value does not fit the shape, which is a fault of the operation.
pub(super) fn text<'a>(shape: &Shape, value: &'a Value, times: TimeFormat, millis: bool) -> Option<Cow<'a, str>> {
    match (&shape.kind, value) {
        (Kind::Timestamp(format), value) => {
            let t = timestamp(value)?;
            Some(Cow::Owned(match format.unwrap_or(times) {
                TimeFormat::Iso8601 => time::iso8601(t, millis),
                TimeFormat::Rfc822 => time::rfc822(t),
                TimeFormat::Unix => time::unix(t),
            }))
        }
        (Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. }, _) => None,
        (_, Value::String(s)) => Some(Cow::Borrowed(s)),
        (_, Value::Number(n)) => Some(Cow::Owned(n.to_string())),
        (_, Value::Bool(b)) => Some(Cow::Borrowed(if *b { "true" } else { "false" })),
        (_, Value::Null | Value::Array(_) | Value::Object(_)) => None,
    }
}

/// Says in the log that an operation's output does not fit its model; the member is left out.
pub(super) fn misfit(shape: &Shape, value: &Value) {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    tracing::error!(shape = &*shape.name, found, "an output does not fit its model; the member is left out");
}
