//! rest-json and rest-xml answers: members in the status, in headers and in the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::response::respond;
use super::scalar::{misfit, text};
use super::{json, xml};
use crate::model::{Kind, Location, Member, Protocol, Shape, Shapes, Structure, TimeFormat};
use crate::route::Call;

/// The namespace of S3's documents.
const S3_NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

pub(super) fn encode(call: &Call, shape: Option<&Shape>, output: &Value, request_id: &str) -> Response<Bytes> {
    let status = call.operation.status();
    let Some((shape, s)) = shape.and_then(|shape| match &shape.kind {
        Kind::Structure(s) => Some((shape, s)),
        _ => None,
    }) else {
        return respond(call.service, call.protocol, status, Vec::new(), request_id);
    };
    let shapes = call.service.shapes();
    let (body, content_type) =
        if call.head || status == 204 { (Vec::new(), None) } else { body(call, shapes, shape, s, output) };
    let mut response = respond(call.service, call.protocol, status, body, request_id);
    if let Some(content_type) = content_type.filter(|_| !response.body().is_empty()) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for member in &*s.members {
        let Some(value) = output.get(&*member.name).filter(|v| !v.is_null()) else { continue };
        match member.location {
            Location::Header => put_header(response.headers_mut(), shapes, member, value),
            Location::HeaderMap => put_header_map(response.headers_mut(), member, value),
            Location::Status => {
                if let Some(status) = value.as_u64().and_then(|n| u16::try_from(n).ok()) {
                    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                }
            }
            Location::Body | Location::Uri | Location::Query => {}
        }
    }
    // S3 answers a range with 206, which its model does not say.
    if call.service.name() == "s3" && output.get("ContentRange").is_some_and(Value::is_string) {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    response
}

/// The body, and its type where it is not the protocol's own.
fn body(call: &Call, shapes: &Shapes, shape: &Shape, s: &Structure, output: &Value) -> (Vec<u8>, Option<&'static str>) {
    if let Some(member) = s.payload() {
        let inner = shapes.get(member.shape);
        let Some(value) = output.get(&*member.name).filter(|v| !v.is_null()) else { return (Vec::new(), None) };
        return match (&inner.kind, value) {
            (Kind::Blob | Kind::Text, _) if member.streaming || inner.streaming => (Vec::new(), None),
            (Kind::Blob, Value::String(s)) => {
                (STANDARD.decode(s).unwrap_or_default(), Some("application/octet-stream"))
            }
            (Kind::Text, Value::String(s)) => (s.clone().into_bytes(), Some("text/plain")),
            (Kind::Blob | Kind::Text, value) => {
                misfit(inner, value);
                (Vec::new(), None)
            }
            _ if call.protocol == Protocol::RestXml => (document(shapes, member.wire_name(), inner, value), None),
            _ => (json_body(shapes, inner, value), None),
        };
    }
    if call.operation.streams().1 {
        return (Vec::new(), None);
    }
    if s.members.iter().all(|m| m.location != Location::Body) {
        let empty_object = call.protocol == Protocol::RestJson && s.members.is_empty();
        return (if empty_object { b"{}".to_vec() } else { Vec::new() }, None);
    }
    match call.protocol {
        Protocol::RestXml if call.operation.name() == "GetBucketLocation" => (location(output), None),
        Protocol::RestXml => (document(shapes, root_name(shape), shape, output), None),
        _ => (json_body(shapes, shape, output), None),
    }
}

fn json_body(shapes: &Shapes, shape: &Shape, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    json::write(&mut out, shapes, shape, value);
    out
}

/// S3 names its documents after the result, the model names the shape: `ListObjectsV2Output`, `<ListBucketResult>`.
fn root_name(shape: &Shape) -> &str {
    match &*shape.name {
        "ListBucketsOutput" => "ListAllMyBucketsResult",
        "ListDirectoryBucketsOutput" => "ListAllMyDirectoryBucketsResult",
        "ListObjectsOutput" | "ListObjectsV2Output" => "ListBucketResult",
        "ListObjectVersionsOutput" => "ListVersionsResult",
        "ListMultipartUploadsOutput" => "ListMultipartUploadsResult",
        "ListPartsOutput" => "ListPartsResult",
        "CreateMultipartUploadOutput" => "InitiateMultipartUploadResult",
        "CompleteMultipartUploadOutput" => "CompleteMultipartUploadResult",
        "DeleteObjectsOutput" => "DeleteResult",
        "GetBucketAclOutput" | "GetObjectAclOutput" => "AccessControlPolicy",
        "GetBucketVersioningOutput" => "VersioningConfiguration",
        "GetBucketTaggingOutput" | "GetObjectTaggingOutput" => "Tagging",
        "GetBucketCorsOutput" => "CORSConfiguration",
        "GetBucketLifecycleConfigurationOutput" => "LifecycleConfiguration",
        "GetBucketWebsiteOutput" => "WebsiteConfiguration",
        "GetBucketLoggingOutput" => "BucketLoggingStatus",
        "GetBucketRequestPaymentOutput" => "RequestPaymentConfiguration",
        "GetBucketAccelerateConfigurationOutput" => "AccelerateConfiguration",
        "GetObjectAttributesOutput" => "GetObjectAttributesResponse",
        name => name.strip_suffix("Output").unwrap_or(name),
    }
}

fn document(shapes: &Shapes, root: &str, shape: &Shape, value: &Value) -> Vec<u8> {
    let mut w = xml::Writer { out: xml::DECLARATION.to_owned(), shapes, millis: true };
    let namespace = crate::model::Namespace { prefix: None, uri: S3_NAMESPACE.into() };
    w.element(root, shape, value, Some(&namespace));
    w.out.into_bytes()
}

/// The one document whose root is its only value, and is empty for us-east-1.
fn location(output: &Value) -> Vec<u8> {
    let mut out = xml::DECLARATION.to_owned();
    out.push_str("<LocationConstraint xmlns=\"");
    out.push_str(S3_NAMESPACE);
    match output.get("LocationConstraint").and_then(Value::as_str).filter(|l| !l.is_empty()) {
        Some(location) => {
            out.push_str("\">");
            xml::escape(&mut out, location);
            out.push_str("</LocationConstraint>");
        }
        None => out.push_str("\"/>"),
    }
    out.into_bytes()
}

fn put_header(headers: &mut HeaderMap, shapes: &Shapes, member: &Member, value: &Value) {
    let shape = shapes.get(member.shape);
    let times = TimeFormat::Rfc822;
    let text = match (&shape.kind, value) {
        (Kind::List { element, .. }, Value::Array(items)) => {
            let inner = shapes.get(element.shape);
            let items: Vec<_> = items.iter().filter_map(|i| text(inner, i, times, true)).map(quoted).collect();
            Some(items.join(",").into())
        }
        _ => text(shape, value, times, true),
    };
    let Some(text) = text else { return misfit(shape, value) };
    put(headers, member.wire_name(), &text);
}

fn quoted(item: std::borrow::Cow<'_, str>) -> String {
    if item.contains([',', '"']) { format!("\"{}\"", item.replace('"', "\\\"")) } else { item.into_owned() }
}

fn put_header_map(headers: &mut HeaderMap, member: &Member, value: &Value) {
    for (key, value) in value.as_object().into_iter().flatten() {
        if let Some(value) = value.as_str() {
            put(headers, &format!("{}{key}", member.wire_name()), value);
        }
    }
}

/// Sets a header; text that no header can carry is left out.
fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
    {
        headers.insert(name, value);
    }
}
