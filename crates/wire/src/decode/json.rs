//! JSON bodies: awsJson and rest-json.

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::scalar;
use crate::error::malformed;
use crate::model::{Kind, Location, Protocol, Shape, ShapeId, Shapes, Structure, TimeFormat};
use crate::time;

/// Reads a whole body. serde_json refuses what nests deeper than 128.
pub(super) fn decode(shapes: &Shapes, input: ShapeId, body: &[u8], protocol: Protocol) -> Result<Value, ApiError> {
    if body.trim_ascii().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let value = serde_json::from_slice(body)
        .map_err(|e| malformed(protocol, format!("The request's body is not valid JSON: {e}")))?;
    convert(shapes, shapes.get(input), value, protocol)
}

/// Turns what the client wrote into canonical JSON.
pub(super) fn convert(shapes: &Shapes, shape: &Shape, value: Value, protocol: Protocol) -> Result<Value, ApiError> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    match (&shape.kind, value) {
        (Kind::Structure(s), Value::Object(object)) => structure(shapes, s, object, protocol).map(Value::Object),
        (Kind::List { element, .. }, Value::Array(items)) => {
            let shape = shapes.get(element.shape);
            items.into_iter().map(|v| convert(shapes, shape, v, protocol)).collect::<Result<_, _>>().map(Value::Array)
        }
        (Kind::Map { value, .. }, Value::Object(entries)) => {
            let shape = shapes.get(value.shape);
            let mut out = Map::new();
            for (key, value) in entries {
                let value = convert(shapes, shape, value, protocol)?;
                if !value.is_null() {
                    out.insert(key, value);
                }
            }
            Ok(Value::Object(out))
        }
        (Kind::Text, value @ Value::String(_)) | (Kind::Boolean, value @ Value::Bool(_)) => Ok(value),
        (Kind::Integer, Value::Number(n)) => match whole(&n).and_then(|n| i32::try_from(n).ok()) {
            Some(n) => Ok(Value::from(n)),
            None => Err(malformed(protocol, format!("{n} can not be converted to an Integer"))),
        },
        (Kind::Long, Value::Number(n)) => match whole(&n) {
            Some(n) => Ok(Value::from(n)),
            None => Err(malformed(protocol, format!("{n} can not be converted to a Long"))),
        },
        (Kind::Float, Value::Number(n)) => Ok(scalar::float(n.as_f64().unwrap_or(f64::NAN))),
        (Kind::Float, Value::String(s)) if matches!(&*s, "NaN" | "Infinity" | "-Infinity") => Ok(Value::String(s)),
        (Kind::Blob, Value::String(s)) => match STANDARD.decode(s.as_bytes()) {
            Ok(_) => Ok(Value::String(s)),
            Err(_) => Err(malformed(protocol, "The value is not valid base64")),
        },
        (Kind::Timestamp(_), Value::Number(n)) => match n.as_f64().and_then(time::from_secs) {
            Some(t) => Ok(time::canonical(t)),
            None => Err(malformed(protocol, format!("{n} can not be converted to a Timestamp"))),
        },
        (Kind::Timestamp(format), Value::String(s)) => match time::parse(&s, format.unwrap_or(TimeFormat::Iso8601)) {
            Some(t) => Ok(time::canonical(t)),
            None => Err(malformed(protocol, "STRING_VALUE can not be converted to a Timestamp")),
        },
        (kind, value) => Err(malformed(protocol, mismatch(kind, &value))),
    }
}

fn structure(
    shapes: &Shapes,
    s: &Structure,
    mut object: Map<String, Value>,
    protocol: Protocol,
) -> Result<Map<String, Value>, ApiError> {
    let mut out = Map::new();
    for member in s.members.iter().filter(|m| m.location == Location::Body) {
        let Some(value) = object.remove(member.wire_name()) else { continue };
        let value = convert(shapes, shapes.get(member.shape), value, protocol)?;
        if !value.is_null() {
            out.insert(member.name.to_string(), value);
        }
    }
    Ok(out)
}

fn whole(n: &serde_json::Number) -> Option<i64> {
    // A whole number may come as 3.0 from languages that know floats alone.
    n.as_i64().or_else(|| n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64))
}

/// The wording of AWS's own JSON reader.
fn mismatch(kind: &Kind, value: &Value) -> String {
    let wanted = match kind {
        Kind::Structure(_) | Kind::Map { .. } if value.is_array() => {
            return "Start of list found where not expected".to_owned();
        }
        Kind::Structure(_) | Kind::Map { .. } | Kind::List { .. } if !value.is_object() && !value.is_array() => {
            return "Unexpected field type".to_owned();
        }
        _ if value.is_object() => return "Start of structure or map found where not expected.".to_owned(),
        _ if value.is_array() => return "Start of list found where not expected".to_owned(),
        Kind::Text => "a String",
        Kind::Integer => "an Integer",
        Kind::Long => "a Long",
        Kind::Float => "a Double",
        Kind::Boolean => "a Boolean",
        Kind::Blob => "a Blob",
        Kind::Timestamp(_) => "a Timestamp",
        Kind::Structure(_) | Kind::Map { .. } | Kind::List { .. } => "what was expected",
    };
    let found = match value {
        Value::String(_) => "STRING_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Null | Value::Array(_) | Value::Object(_) => "VALUE",
    };
    format!("{found} can not be converted to {wanted}")
}
