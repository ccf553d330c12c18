//! AWS query: a form whose keys are paths, `Tags.member.1.Key`.

use std::collections::BTreeMap;

use base::ApiError;
use http::request::Parts;
use serde_json::{Map, Value};

use super::scalar;
use crate::error::malformed;
use crate::model::{Kind, Member, Protocol, Shape, ShapeId, Shapes, Structure, TimeFormat};
use crate::uri;

/// Keys with more parts than this are refused.
const MAX_DEPTH: usize = 64;

/// A tree of the keys' parts.
#[derive(Default)]
struct Node {
    text: Option<String>,
    children: BTreeMap<String, Node>,
}

/// Reads the form, or the query string of a GET.
pub(super) fn decode(shapes: &Shapes, input: ShapeId, parts: &Parts, body: &[u8]) -> Result<Value, ApiError> {
    let form = std::str::from_utf8(body).map_err(|_| malformed(Protocol::Query, "The form is not UTF-8."))?;
    let mut root = Node::default();
    for text in [parts.uri.query().unwrap_or_default(), form] {
        for (key, value) in uri::pairs(text)? {
            insert(&mut root, &key, value)?;
        }
    }
    match &shapes.get(input).kind {
        Kind::Structure(s) => structure(shapes, s, &root).map(Value::Object),
        _ => Ok(Value::Object(Map::new())),
    }
}

fn insert(root: &mut Node, key: &str, value: String) -> Result<(), ApiError> {
    let mut node = root;
    for (depth, part) in key.split('.').enumerate() {
        if depth >= MAX_DEPTH {
            return Err(malformed(Protocol::Query, "A parameter's name nests too deep."));
        }
        if !node.children.contains_key(part) {
            node.children.insert(part.to_owned(), Node::default());
        }
        match node.children.get_mut(part) {
            Some(child) => node = child,
            None => return Ok(()),
        }
    }
    node.text = Some(value);
    Ok(())
}

fn structure(shapes: &Shapes, s: &Structure, node: &Node) -> Result<Map<String, Value>, ApiError> {
    let mut out = Map::new();
    for member in &*s.members {
        let shape = shapes.get(member.shape);
        let flattened = member.flattened
            || matches!(shape.kind, Kind::List { flattened: true, .. } | Kind::Map { flattened: true, .. });
        let Some(child) = node.children.get(wire_name(shapes, member, shape, flattened)) else { continue };
        let value = convert(shapes, shape, child, flattened, &member.name)?;
        out.insert(member.name.to_string(), value);
    }
    Ok(out)
}

/// A flattened list is named by its element, where the model names the element.
fn wire_name<'a>(_shapes: &'a Shapes, member: &'a Member, shape: &'a Shape, flattened: bool) -> &'a str {
    match &shape.kind {
        Kind::List { element, .. } if flattened => {
            element.location_name.as_deref().unwrap_or_else(|| member.wire_name())
        }
        _ => member.wire_name(),
    }
}

fn convert(shapes: &Shapes, shape: &Shape, node: &Node, flattened: bool, at: &str) -> Result<Value, ApiError> {
    match &shape.kind {
        Kind::Structure(s) => structure(shapes, s, node).map(Value::Object),
        Kind::List { element, .. } => {
            let name = element.location_name.as_deref().unwrap_or("member");
            let items =
                if flattened { Some(node) } else { node.children.get(name).or_else(|| node.children.get("member")) };
            let inner = shapes.get(element.shape);
            let items = numbered(items)?.into_iter().map(|n| convert(shapes, inner, n, is_flat(inner), at));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        Kind::Map { key, value, .. } => {
            let entries = if flattened { Some(node) } else { node.children.get("entry") };
            let key_name = key.location_name.as_deref().unwrap_or("key");
            let value_name = value.location_name.as_deref().unwrap_or("value");
            let inner = shapes.get(value.shape);
            let mut out = Map::new();
            for entry in numbered(entries)? {
                let Some(key) = entry.children.get(key_name).and_then(|n| n.text.clone()) else {
                    return Err(malformed(Protocol::Query, format!("An entry of {at} has no key.")));
                };
                if let Some(value) = entry.children.get(value_name) {
                    out.insert(key, convert(shapes, inner, value, is_flat(inner), at)?);
                }
            }
            Ok(Value::Object(out))
        }
        _ => match &node.text {
            Some(text) => scalar::parse(Protocol::Query, shape, text, TimeFormat::Iso8601, at),
            None => Err(malformed(Protocol::Query, format!("The parameter {at} has parts but should be one value."))),
        },
    }
}

fn is_flat(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::List { flattened: true, .. } | Kind::Map { flattened: true, .. })
}

/// The children in the order of their numbers.
fn numbered(node: Option<&Node>) -> Result<Vec<&Node>, ApiError> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let mut items = Vec::with_capacity(node.children.len());
    for (key, child) in &node.children {
        let n: u64 =
            key.parse().map_err(|_| malformed(Protocol::Query, format!("{key:?} is not the number of an element.")))?;
        items.push((n, child));
    }
    items.sort_by_key(|(n, _)| *n);
    Ok(items.into_iter().map(|(_, child)| child).collect())
}
