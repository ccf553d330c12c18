//! rpc-v2-cbor bodies.

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::scalar;
use crate::cbor::{Item, read};
use crate::error::malformed;
use crate::model::{Kind, Protocol, Shape, ShapeId, Shapes};
use crate::time;

/// Reads a whole body.
pub(super) fn decode(shapes: &Shapes, input: ShapeId, body: &[u8]) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let item =
        read(body).map_err(|e| malformed(Protocol::RpcV2Cbor, format!("The request's body is not valid CBOR: {e}")))?;
    convert(shapes, shapes.get(input), item)
}

fn convert(shapes: &Shapes, shape: &Shape, item: Item) -> Result<Value, ApiError> {
    match (&shape.kind, item) {
        (_, Item::Null) => Ok(Value::Null),
        (Kind::Structure(s), Item::Map(entries)) => {
            let mut out = Map::new();
            for (key, item) in entries {
                let Some(member) = s
                    .member(&key)
                    .filter(|m| m.wire_name() == key)
                    .or_else(|| s.members.iter().find(|m| m.wire_name() == key))
                else {
                    continue;
                };
                let value = convert(shapes, shapes.get(member.shape), item)?;
                if !value.is_null() {
                    out.insert(member.name.to_string(), value);
                }
            }
            Ok(Value::Object(out))
        }
        (Kind::List { element, .. }, Item::Array(items)) => {
            let shape = shapes.get(element.shape);
            items.into_iter().map(|i| convert(shapes, shape, i)).collect::<Result<_, _>>().map(Value::Array)
        }
        (Kind::Map { value, .. }, Item::Map(entries)) => {
            let shape = shapes.get(value.shape);
            let mut out = Map::new();
            for (key, item) in entries {
                let value = convert(shapes, shape, item)?;
                if !value.is_null() {
                    out.insert(key, value);
                }
            }
            Ok(Value::Object(out))
        }
        (Kind::Text, Item::Text(text)) => Ok(Value::String(text)),
        (Kind::Boolean, Item::Bool(value)) => Ok(Value::Bool(value)),
        (Kind::Blob, Item::Bytes(bytes)) => Ok(Value::String(STANDARD.encode(bytes))),
        (Kind::Integer, item) => match integer(&item).and_then(|n| i32::try_from(n).ok()) {
            Some(n) => Ok(Value::from(n)),
            None => Err(mismatch(&item, "an Integer")),
        },
        (Kind::Long, item) => match integer(&item) {
            Some(n) => Ok(Value::from(n)),
            None => Err(mismatch(&item, "a Long")),
        },
        (Kind::Float, item) => match number(&item) {
            Some(n) => Ok(scalar::float(n)),
            None => Err(mismatch(&item, "a Double")),
        },
        (Kind::Timestamp(_), Item::Tag(1, item)) => match number(&item).and_then(time::from_secs) {
            Some(t) => Ok(time::canonical(t)),
            None => Err(mismatch(&item, "a Timestamp")),
        },
        (_, item) => Err(mismatch(&item, "what the model says")),
    }
}

fn integer(item: &Item) -> Option<i64> {
    match item {
        Item::Unsigned(n) => i64::try_from(*n).ok(),
        Item::Negative(n) => i64::try_from(*n).ok().map(|n| -1 - n),
        Item::Float(f) if f.fract() == 0.0 && f.abs() < 9e15 => Some(*f as i64),
        _ => None,
    }
}

fn number(item: &Item) -> Option<f64> {
    match item {
        Item::Float(f) => Some(*f),
        Item::Unsigned(n) => Some(*n as f64),
        Item::Negative(n) => Some(-1.0 - *n as f64),
        _ => None,
    }
}

fn mismatch(item: &Item, wanted: &str) -> ApiError {
    let found = match item {
        Item::Unsigned(_) | Item::Negative(_) => "an integer",
        Item::Bytes(_) => "a byte string",
        Item::Text(_) => "a text string",
        Item::Array(_) => "a list",
        Item::Map(_) => "a map",
        Item::Tag(..) => "a tag",
        Item::Bool(_) => "a boolean",
        Item::Null => "null",
        Item::Float(_) => "a float",
    };
    malformed(Protocol::RpcV2Cbor, format!("The request's body has {found} where {wanted} should be"))
}
