//! rpc-v2-cbor bodies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::scalar::{misfit, timestamp};
use crate::cbor::Writer;
use crate::model::{Kind, Shape, Shapes};

/// The whole body.
pub(super) fn encode(shapes: &Shapes, shape: &Shape, value: &Value) -> Vec<u8> {
    let mut writer = Writer::default();
    write(&mut writer, shapes, shape, value);
    writer.out
}

/// Writes one value.
pub(super) fn write(w: &mut Writer, shapes: &Shapes, shape: &Shape, value: &Value) {
    match (&shape.kind, value) {
        (Kind::Structure(s), Value::Object(object)) => {
            let present = |name: &str| object.get(name).filter(|v| !v.is_null());
            w.map(s.members.iter().filter(|m| present(&m.name).is_some()).count());
            for member in &*s.members {
                if let Some(value) = present(&member.name) {
                    w.text(member.wire_name());
                    write(w, shapes, shapes.get(member.shape), value);
                }
            }
        }
        (Kind::List { element, .. }, Value::Array(items)) => {
            w.array(items.len());
            let shape = shapes.get(element.shape);
            items.iter().for_each(|item| write(w, shapes, shape, item));
        }
        (Kind::Map { value: v, .. }, Value::Object(entries)) => {
            w.map(entries.len());
            let shape = shapes.get(v.shape);
            for (key, item) in entries {
                w.text(key);
                write(w, shapes, shape, item);
            }
        }
        (Kind::Text, Value::String(s)) => w.text(s),
        (Kind::Boolean, Value::Bool(b)) => w.bool(*b),
        (Kind::Integer | Kind::Long, Value::Number(n)) if n.as_i64().is_some() => w.int(n.as_i64().unwrap_or_default()),
        (Kind::Float, Value::Number(n)) => w.float(n.as_f64().unwrap_or(f64::NAN)),
        (Kind::Float, Value::String(s)) => w.float(s.parse().unwrap_or(f64::NAN)),
        (Kind::Blob, Value::String(s)) => match STANDARD.decode(s) {
            Ok(bytes) => w.bytes(&bytes),
            Err(_) => fault(w, shape, value),
        },
        (Kind::Timestamp(_), value) if timestamp(value).is_some() => {
            let t = timestamp(value).unwrap_or_default();
            w.tag(1);
            if t.micros() % 1_000_000 == 0 { w.int(t.secs()) } else { w.float(t.millis() as f64 / 1e3) }
        }
        (_, Value::Null) => w.null(),
        _ => fault(w, shape, value),
    }
}

fn fault(w: &mut Writer, shape: &Shape, value: &Value) {
    misfit(shape, value);
    w.null();
}
