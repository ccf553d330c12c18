//! XML bodies of rest-xml.

use base::ApiError;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

use super::scalar;
use crate::error::malformed;
use crate::model::{Kind, Location, Member, Protocol, Shape, Shapes, Structure, TimeFormat};

/// Elements that nest deeper than this are refused.
const MAX_DEPTH: usize = 64;

/// S3's wording.
const MALFORMED: &str = "The XML you provided was not well-formed or did not validate against our published schema";

/// An element; names are without their prefixes.
#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

/// Reads a document into a value of `shape`. The root's name is not looked at, as S3 does not.
pub(super) fn decode(shapes: &Shapes, shape: &Shape, body: &[u8]) -> Result<Value, ApiError> {
    let root = parse(body).ok_or_else(|| malformed(Protocol::RestXml, MALFORMED))?;
    convert(shapes, shape, &root, is_flat(shape), "")
}

fn parse(body: &[u8]) -> Option<Element> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    // The bottom of the stack holds the root as its one child.
    let mut stack = vec![Element::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if stack.len() > MAX_DEPTH {
                    return None;
                }
                stack.push(open(&start)?);
            }
            Event::Empty(start) => stack.last_mut()?.children.push(open(&start)?),
            Event::End(_) => {
                let done = stack.pop()?;
                stack.last_mut()?.children.push(done);
            }
            Event::Text(t) => stack.last_mut()?.text.push_str(&t.xml10_content()),
            Event::CData(t) => stack.last_mut()?.text.push_str(&t.xml10_content()),
            Event::GeneralRef(r) => {
                let c = match r.resolve_char_ref().ok()? {
                    Some(c) => c,
                    // Entities of a document's own are not expanded: they are how small bodies become large ones.
                    None => match &*r {
                        "amp" => '&',
                        "lt" => '<',
                        "gt" => '>',
                        "quot" => '"',
                        "apos" => '\'',
                        _ => return None,
                    },
                };
                stack.last_mut()?.text.push(c);
            }
            Event::DocType(_) => return None,
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    let bottom = stack.pop().filter(|_| stack.is_empty())?;
    let mut roots = bottom.children.into_iter();
    roots.next().filter(|_| roots.next().is_none() && bottom.text.trim().is_empty())
}

fn open(start: &BytesStart<'_>) -> Option<Element> {
    let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = quick_xml::escape::unescape(&attribute.value).ok()?.into_owned();
        element.attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Some(element)
}

fn structure(shapes: &Shapes, s: &Structure, element: &Element) -> Result<Map<String, Value>, ApiError> {
    let mut out = Map::new();
    for member in s.members.iter().filter(|m| m.location == Location::Body) {
        let shape = shapes.get(member.shape);
        if member.attribute {
            if let Some((_, value)) = element.attributes.iter().find(|(key, _)| key == member.wire_name()) {
                out.insert(member.name.to_string(), Value::String(value.clone()));
            }
            continue;
        }
        let flattened = member.flattened || is_flat(shape);
        let found = children(element, wire_name(member));
        let value = if flattened {
            let found: Vec<&Element> = found.collect();
            if found.is_empty() {
                continue;
            }
            repeated(shapes, shape, &found, &member.name)?
        } else {
            let mut found = found;
            let Some(child) = found.next() else { continue };
            convert(shapes, shape, child, false, &member.name)?
        };
        out.insert(member.name.to_string(), value);
    }
    Ok(out)
}

fn wire_name(member: &Member) -> &str {
    let name = member.wire_name();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

fn children<'a>(element: &'a Element, name: &'a str) -> impl Iterator<Item = &'a Element> {
    element.children.iter().filter(move |c| c.name == name)
}

fn is_flat(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::List { flattened: true, .. } | Kind::Map { flattened: true, .. })
}

fn repeated(shapes: &Shapes, shape: &Shape, found: &[&Element], at: &str) -> Result<Value, ApiError> {
    match &shape.kind {
        Kind::List { element, .. } => {
            let inner = shapes.get(element.shape);
            let items = found.iter().map(|e| convert(shapes, inner, e, is_flat(inner), at));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        Kind::Map { key, value, .. } => {
            let key_name = key.location_name.as_deref().unwrap_or("key");
            let value_name = value.location_name.as_deref().unwrap_or("value");
            let inner = shapes.get(value.shape);
            let mut out = Map::new();
            for entry in found {
                let (Some(key), Some(value)) = (children(entry, key_name).next(), children(entry, value_name).next())
                else {
                    return Err(malformed(Protocol::RestXml, MALFORMED));
                };
                out.insert(key.text.clone(), convert(shapes, inner, value, is_flat(inner), at)?);
            }
            Ok(Value::Object(out))
        }
        _ => Err(malformed(Protocol::RestXml, MALFORMED)),
    }
}

fn convert(shapes: &Shapes, shape: &Shape, element: &Element, flat: bool, at: &str) -> Result<Value, ApiError> {
    match &shape.kind {
        Kind::Structure(s) => structure(shapes, s, element).map(Value::Object),
        Kind::List { element: inner, .. } if !flat => {
            let name = inner.location_name.as_deref().unwrap_or("member");
            let found: Vec<&Element> = children(element, name).collect();
            repeated(shapes, shape, &found, at)
        }
        Kind::Map { .. } if !flat => {
            let found: Vec<&Element> = children(element, "entry").collect();
            repeated(shapes, shape, &found, at)
        }
        Kind::List { .. } | Kind::Map { .. } => repeated(shapes, shape, &[element], at),
        _ => scalar::parse(Protocol::RestXml, shape, &element.text, TimeFormat::Iso8601, at)
            .map_err(|_| malformed(Protocol::RestXml, MALFORMED)),
    }
}
