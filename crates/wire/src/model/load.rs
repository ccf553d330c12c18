//! Reads one service's compressed model.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::sync::OnceLock;

use serde::Deserialize;

use super::service::Operation;
use super::shape::{
    Element, ErrorTrait, Kind, Location, Member, Namespace, PatternText, Shape, ShapeId, Shapes, Structure, TimeFormat,
};
use super::{UriTemplate, embedded};

/// A service's operations, shapes and errors.
#[derive(Debug)]
pub(super) struct Loaded {
    /// In the order of their names.
    pub(super) operations: Box<[Operation]>,
    pub(super) shapes: Shapes,
    /// Codes and names of errors, in order.
    pub(super) errors: Box<[(Box<str>, ShapeId)]>,
}

/// Reads the model of `name`. The models are part of the binary: a fault in them is a fault of the build.
pub(super) fn load(name: &str) -> Loaded {
    let mut text = String::new();
    let compressed = embedded::model(name).unwrap_or_default();
    let raw = flate2::read::GzDecoder::new(compressed)
        .read_to_string(&mut text)
        .map_err(|e| e.to_string())
        .and_then(|_| serde_json::from_str::<RawModel<'_>>(&text).map_err(|e| e.to_string()));
    match raw {
        Ok(raw) => resolve(raw),
        Err(e) => panic!("the embedded model of {name} does not read: {e}"),
    }
}

#[derive(Deserialize)]
struct RawModel<'a> {
    #[serde(borrow)]
    operations: BTreeMap<&'a str, RawOperation<'a>>,
    shapes: BTreeMap<&'a str, RawShape<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawOperation<'a> {
    #[serde(borrow)]
    http: RawHttp<'a>,
    input: Option<RawRef<'a>>,
    output: Option<RawRef<'a>>,
    #[serde(default)]
    errors: Vec<&'a str>,
    #[serde(default)]
    deprecated: bool,
    authtype: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHttp<'a> {
    method: &'a str,
    request_uri: &'a str,
    response_code: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRef<'a> {
    shape: &'a str,
    location: Option<&'a str>,
    location_name: Option<&'a str>,
    result_wrapper: Option<&'a str>,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    xml_attribute: bool,
    #[serde(default)]
    streaming: bool,
    xml_namespace: Option<RawNamespace<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawNamespace<'a> {
    Plain(#[serde(borrow)] &'a str),
    Full { prefix: Option<&'a str>, uri: &'a str },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawShape<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(default, borrow)]
    members: BTreeMap<&'a str, RawRef<'a>>,
    #[serde(default)]
    required: Vec<&'a str>,
    payload: Option<&'a str>,
    #[serde(default)]
    eventstream: bool,
    #[serde(default)]
    exception: bool,
    #[serde(default)]
    fault: bool,
    error: Option<RawError>,
    xml_namespace: Option<RawNamespace<'a>>,
    member: Option<RawRef<'a>>,
    key: Option<RawRef<'a>>,
    value: Option<RawRef<'a>>,
    #[serde(default)]
    flattened: bool,
    #[serde(default)]
    sensitive: bool,
    #[serde(default)]
    streaming: bool,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<Box<str>>,
    #[serde(default, rename = "enum")]
    values: Vec<Box<str>>,
    timestamp_format: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawError {
    code: Option<Box<str>>,
    http_status_code: Option<u16>,
}

type Ids<'a> = HashMap<&'a str, ShapeId>;

fn resolve(raw: RawModel<'_>) -> Loaded {
    let ids: Ids<'_> = raw.shapes.keys().zip(0u32..).map(|(name, i)| (*name, ShapeId(i))).collect();
    let mut errors = Vec::new();
    let mut shapes = Vec::with_capacity(raw.shapes.len());
    for (name, shape) in raw.shapes {
        let id = id(&ids, name);
        if shape.exception {
            errors.push((Box::from(name), id));
            errors.extend(shape.error.as_ref().and_then(|e| e.code.clone()).map(|code| (code, id)));
        }
        shapes.push(resolve_shape(&ids, name, shape));
    }
    // A code that two shapes share (SQS and others have old and new names) means the first of them.
    errors.sort_by(|a, b| a.0.cmp(&b.0));
    errors.dedup_by(|b, a| a.0 == b.0);
    let shapes = Shapes(shapes.into_boxed_slice());
    let operations = raw.operations.into_iter().map(|(name, o)| resolve_operation(&ids, &shapes, name, o)).collect();
    Loaded { operations, shapes, errors: errors.into_boxed_slice() }
}

fn id(ids: &Ids<'_>, name: &str) -> ShapeId {
    match ids.get(name) {
        Some(id) => *id,
        None => panic!("an embedded model names a shape {name} that it does not have"),
    }
}

fn resolve_operation(ids: &Ids<'_>, shapes: &Shapes, name: &str, raw: RawOperation<'_>) -> Operation {
    let input = raw.input.as_ref().map(|r| id(ids, r.shape));
    let output = raw.output.as_ref().map(|r| id(ids, r.shape));
    Operation {
        name: name.into(),
        method: http::Method::from_bytes(raw.http.method.as_bytes()).unwrap_or(http::Method::POST),
        uri: UriTemplate::parse(raw.http.request_uri),
        status: raw.http.response_code.unwrap_or(200),
        streaming_input: input.is_some_and(|id| streams(shapes, id)),
        streaming_output: output.is_some_and(|id| streams(shapes, id)),
        input,
        output,
        result_wrapper: raw.output.and_then(|r| r.result_wrapper.map(Box::from)),
        errors: raw.errors.iter().map(|name| id(ids, name)).collect(),
        deprecated: raw.deprecated,
        anonymous: raw.authtype == Some("none"),
    }
}

/// Whether the structure has a member that streams: a payload marked so, or a stream of events.
fn streams(shapes: &Shapes, id: ShapeId) -> bool {
    let Kind::Structure(s) = &shapes.get(id).kind else { return false };
    s.members.iter().any(|m| {
        let shape = shapes.get(m.shape);
        matches!(&shape.kind, Kind::Structure(s) if s.event_stream)
            || (matches!(shape.kind, Kind::Blob | Kind::Text) && (m.streaming || shape.streaming))
    })
}

fn resolve_shape(ids: &Ids<'_>, name: &str, raw: RawShape<'_>) -> Shape {
    let flattened = raw.flattened;
    let time_format = raw.timestamp_format.and_then(TimeFormat::parse);
    let kind = match raw.kind {
        "structure" => {
            let members: Box<[Member]> =
                raw.members.iter().map(|(name, m)| resolve_member(ids, name, m, &raw.required)).collect();
            let payload = raw.payload.and_then(|p| members.iter().position(|m| &*m.name == p));
            let error = raw.exception.then(|| {
                let (code, status) = raw.error.map_or((None, None), |e| (e.code, e.http_status_code));
                Box::new(ErrorTrait { code, status, fault: raw.fault })
            });
            Kind::Structure(Structure {
                members,
                payload,
                event_stream: raw.eventstream,
                error,
                namespace: raw.xml_namespace.as_ref().map(namespace),
            })
        }
        "list" => Kind::List { element: element(ids, raw.member.as_ref()), flattened },
        "map" => Kind::Map { key: element(ids, raw.key.as_ref()), value: element(ids, raw.value.as_ref()), flattened },
        "integer" => Kind::Integer,
        "long" => Kind::Long,
        "float" | "double" => Kind::Float,
        "boolean" => Kind::Boolean,
        "blob" => Kind::Blob,
        "timestamp" => Kind::Timestamp(time_format),
        "string" => Kind::Text,
        other => panic!("an embedded model has a shape of the unknown type {other}"),
    };
    Shape {
        name: name.into(),
        kind,
        sensitive: raw.sensitive,
        streaming: raw.streaming,
        min: raw.min,
        max: raw.max,
        pattern: raw.pattern.map(|text| Box::new(PatternText { text, compiled: OnceLock::new() })),
        values: raw.values.into_boxed_slice(),
    }
}

fn element(ids: &Ids<'_>, raw: Option<&RawRef<'_>>) -> Element {
    let Some(raw) = raw else { panic!("an embedded model has a list or map without its element") };
    Element {
        shape: id(ids, raw.shape),
        location_name: raw.location_name.map(Box::from),
        namespace: raw.xml_namespace.as_ref().map(namespace),
    }
}

fn namespace(raw: &RawNamespace<'_>) -> Box<Namespace> {
    Box::new(match raw {
        RawNamespace::Plain(uri) => Namespace { prefix: None, uri: (*uri).into() },
        RawNamespace::Full { prefix, uri } => Namespace { prefix: prefix.map(Box::from), uri: (*uri).into() },
    })
}

fn resolve_member(ids: &Ids<'_>, name: &str, raw: &RawRef<'_>, required: &[&str]) -> Member {
    Member {
        name: name.into(),
        location_name: raw.location_name.filter(|n| *n != name).map(Box::from),
        shape: id(ids, raw.shape),
        location: match raw.location {
            Some("uri") => Location::Uri,
            Some("querystring") => Location::Query,
            Some("header") => Location::Header,
            Some("headers") => Location::HeaderMap,
            Some("statusCode") => Location::Status,
            _ => Location::Body,
        },
        required: required.contains(&name),
        flattened: raw.flattened,
        attribute: raw.xml_attribute,
        streaming: raw.streaming,
        namespace: raw.xml_namespace.as_ref().map(namespace),
    }
}
