//! Errors, as each protocol writes them.

use base::{ApiError, ErrorKind};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};
use serde_json::{Map, Value};

use super::response::respond_as;
use super::{cbor, json, xml};
use crate::cbor::Writer;
use crate::model::{ErrorTrait, Protocol, Service, Shape, Structure};

/// The error's response. `service` is `None` when the request named none that we know.
pub(super) fn encode(
    service: Option<&Service>,
    protocol: Protocol,
    error: &ApiError,
    request_id: &str,
) -> Response<Bytes> {
    let known = service.and_then(|s| s.error(error.code));
    let fault = known.is_some_and(|(_, _, e)| e.fault) || error.kind == ErrorKind::Server;
    let modelled = known.and_then(|(_, _, e)| e.status);
    let status = error.status.or(modelled).unwrap_or(if fault { 500 } else { 400 });
    let shape_name = known.map_or(error.code, |(shape, _, _)| &*shape.name);
    let wire_code = known.and_then(|(_, _, e)| e.code.as_deref()).unwrap_or(shape_name);
    let s3 = service.map_or(protocol == Protocol::RestXml, |s| s.name() == "s3");
    let body = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RestJson => json_body(service, known, shape_name, error),
        Protocol::RpcV2Cbor => cbor_body(service, known, shape_name, error),
        Protocol::Query => query_body(service, known, wire_code, error, fault, request_id),
        Protocol::RestXml if matches!(status, 304 | 204) => Vec::new(),
        Protocol::RestXml => s3_body(wire_code, error, request_id),
    };
    let mut response = respond_as(s3, protocol, status, body, request_id);
    let headers = response.headers_mut();
    if matches!(protocol, Protocol::RestJson | Protocol::AwsJson10 | Protocol::AwsJson11) {
        headers.extend(value(shape_name).map(|v| (HeaderName::from_static("x-amzn-errortype"), v)));
    }
    if protocol != Protocol::Query && service.is_some_and(Service::query_compatible) {
        let text = format!("{wire_code};{}", if fault { "Receiver" } else { "Sender" });
        headers.extend(value(&text).map(|v| (HeaderName::from_static("x-amzn-query-error"), v)));
    }
    response
}

fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

type Known<'a> = Option<(&'a Shape, &'a Structure, &'a ErrorTrait)>;

/// The error's members in canonical JSON, the message among them.
fn members(known: Known<'_>, error: &ApiError) -> Map<String, Value> {
    let mut out: Map<String, Value> = error.members.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
    let name = known
        .and_then(|(_, s, _)| s.members.iter().find(|m| m.name.eq_ignore_ascii_case("message")))
        .map_or("message", |m| &*m.name);
    out.entry(name).or_insert_with(|| Value::String(error.message.clone()));
    out
}

fn json_body(service: Option<&Service>, known: Known<'_>, code: &str, error: &ApiError) -> Vec<u8> {
    let mut out = b"{\"__type\":".to_vec();
    json::string(&mut out, code);
    let members = members(known, error);
    for (name, value) in &members {
        let member = known.and_then(|(_, s, _)| s.member(name));
        out.push(b',');
        json::string(&mut out, member.map_or(name, |m| m.wire_name()));
        out.push(b':');
        match (service, member) {
            (Some(service), Some(m)) => {
                json::write(&mut out, service.shapes(), service.shape(m.shape), value);
            }
            _ => out.extend_from_slice(value.to_string().as_bytes()),
        }
    }
    out.push(b'}');
    out
}

fn cbor_body(service: Option<&Service>, known: Known<'_>, code: &str, error: &ApiError) -> Vec<u8> {
    let members = members(known, error);
    let mut w = Writer::default();
    // Members that the model does not have are written when they are text.
    let written: Vec<_> = members
        .iter()
        .map(|(name, value)| (name, value, known.and_then(|(_, s, _)| s.member(name))))
        .filter(|(_, value, member)| member.is_some() || value.is_string())
        .collect();
    w.map(written.len() + 1);
    w.text("__type");
    w.text(code);
    for (name, value, member) in written {
        match (service, member) {
            (Some(service), Some(m)) => {
                w.text(m.wire_name());
                cbor::write(&mut w, service.shapes(), service.shape(m.shape), value);
            }
            _ => {
                w.text(name);
                w.text(value.as_str().unwrap_or_default());
            }
        }
    }
    w.out
}

fn query_body(
    service: Option<&Service>,
    known: Known<'_>,
    code: &str,
    error: &ApiError,
    fault: bool,
    request_id: &str,
) -> Vec<u8> {
    let mut out = String::from("<ErrorResponse");
    if let Some(namespace) = service.and_then(Service::namespace) {
        out.push_str(" xmlns=\"");
        xml::escape(&mut out, namespace);
        out.push('"');
    }
    out.push_str("><Error><Type>");
    out.push_str(if fault { "Receiver" } else { "Sender" });
    out.push_str("</Type><Code>");
    xml::escape(&mut out, code);
    out.push_str("</Code><Message>");
    xml::escape(&mut out, &error.message);
    out.push_str("</Message>");
    if let (Some(service), Some((_, s, _))) = (service, known) {
        let mut w = xml::Writer { out, shapes: service.shapes(), millis: false };
        for (name, value) in &error.members {
            if let Some(member) = s.member(name) {
                w.element(member.wire_name(), service.shape(member.shape), value, None);
            }
        }
        out = w.out;
    }
    out.push_str("</Error><RequestId>");
    xml::escape(&mut out, request_id);
    out.push_str("</RequestId></ErrorResponse>");
    out.into_bytes()
}

/// S3's errors have no wrapper; further members stand beside the message.
fn s3_body(code: &str, error: &ApiError, request_id: &str) -> Vec<u8> {
    let mut out = xml::DECLARATION.to_owned();
    out.push_str("<Error><Code>");
    xml::escape(&mut out, code);
    out.push_str("</Code><Message>");
    xml::escape(&mut out, &error.message);
    out.push_str("</Message>");
    for (name, value) in &error.members {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        out.push_str(&format!("<{name}>"));
        xml::escape(&mut out, &text);
        out.push_str(&format!("</{name}>"));
    }
    out.push_str("<RequestId>");
    xml::escape(&mut out, request_id);
    out.push_str("</RequestId><HostId>");
    xml::escape(&mut out, request_id);
    out.push_str("</HostId></Error>");
    out.into_bytes()
}
