//! JSON bodies: awsJson and rest-json.

use serde_json::Value;

use super::scalar::{misfit, timestamp};
use crate::model::{Kind, Location, Shape, Shapes, TimeFormat};
use crate::time;

/// Appends the value in the form that the shape has on the wire.
pub(super) fn write(out: &mut Vec<u8>, shapes: &Shapes, shape: &Shape, value: &Value) {
    match (&shape.kind, value) {
        (Kind::Structure(s), Value::Object(object)) => {
            out.push(b'{');
            let mut first = true;
            for member in s.members.iter().filter(|m| m.location == Location::Body) {
                let Some(value) = object.get(&*member.name).filter(|v| !v.is_null()) else { continue };
                separate(out, &mut first);
                string(out, member.wire_name());
                out.push(b':');
                write(out, shapes, shapes.get(member.shape), value);
            }
            out.push(b'}');
        }
        (Kind::List { element, .. }, Value::Array(items)) => {
            let shape = shapes.get(element.shape);
            out.push(b'[');
            let mut first = true;
            for item in items {
                separate(out, &mut first);
                write(out, shapes, shape, item);
            }
            out.push(b']');
        }
        (Kind::Map { value: v, .. }, Value::Object(entries)) => {
            let shape = shapes.get(v.shape);
            out.push(b'{');
            let mut first = true;
            for (key, item) in entries {
                separate(out, &mut first);
                string(out, key);
                out.push(b':');
                write(out, shapes, shape, item);
            }
            out.push(b'}');
        }
        (Kind::Timestamp(format), value) if !value.is_null() => match timestamp(value) {
            Some(t) => match format.unwrap_or(TimeFormat::Unix) {
                TimeFormat::Unix => out.extend_from_slice(time::unix(t).as_bytes()),
                TimeFormat::Iso8601 => string(out, &time::iso8601(t, false)),
                TimeFormat::Rfc822 => string(out, &time::rfc822(t)),
            },
            None => {
                misfit(shape, value);
                out.extend_from_slice(b"null");
            }
        },
        (Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. }, value) => {
            if !value.is_null() {
                misfit(shape, value);
            }
            out.extend_from_slice(b"null");
        }
        (_, Value::String(s)) => string(out, s),
        (_, Value::Number(n)) => out.extend_from_slice(n.to_string().as_bytes()),
        (_, Value::Bool(true)) => out.extend_from_slice(b"true"),
        (_, Value::Bool(false)) => out.extend_from_slice(b"false"),
        (_, Value::Null) => out.extend_from_slice(b"null"),
        (_, Value::Array(_) | Value::Object(_)) => {
            misfit(shape, value);
            out.extend_from_slice(b"null");
        }
    }
}

fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

/// Appends a JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to a vector cannot fail.
    let _ = serde_json::to_writer(out, text);
}
