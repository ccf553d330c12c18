//! Writes an answer, whatever its protocol.

use base::ApiError;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use super::{cbor, error, json, rest, xml};
use crate::model::{Protocol, Service};
use crate::route::{self, Call};

/// The answer to a call: the operation's output in canonical JSON, or its error.
///
/// For a streaming output this is the head; headworks attaches the body. Answers to HEAD have no body, and their
/// `Content-Length` says what GET would have.
pub fn encode(call: &Call, result: Result<&Value, &ApiError>, request_id: &str) -> Response<Bytes> {
    match result {
        Ok(output) => success(call, output, request_id),
        Err(e) => {
            let mut response = error::encode(Some(call.service), call.protocol, e, request_id);
            if call.head {
                *response.body_mut() = Bytes::new();
                response.headers_mut().remove(header::CONTENT_TYPE);
            }
            response
        }
    }
}

/// The answer to a request whose operation is not known, in the protocol that the request seems to speak.
pub fn refuse(parts: &http::request::Parts, error: &ApiError, request_id: &str) -> Response<Bytes> {
    let action = parts.uri.query().is_some_and(|q| q.split('&').any(|p| p.starts_with("Action=")));
    let mut response = error::encode(None, route::guess(parts, action), error, request_id);
    if parts.method == http::Method::HEAD {
        *response.body_mut() = Bytes::new();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    response
}

fn success(call: &Call, output: &Value, request_id: &str) -> Response<Bytes> {
    let shapes = call.service.shapes();
    let shape = call.operation.output().map(|id| shapes.get(id));
    match call.protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => {
            let mut body = Vec::new();
            if let Some(shape) = shape {
                json::write(&mut body, shapes, shape, output);
            }
            respond(call.service, call.protocol, 200, body, request_id)
        }
        Protocol::RpcV2Cbor => {
            let body = shape.map_or_else(Vec::new, |shape| cbor::encode(shapes, shape, output));
            respond(call.service, call.protocol, 200, body, request_id)
        }
        Protocol::Query => {
            let body = xml::query_result(call, shape, output, request_id);
            respond(call.service, call.protocol, 200, body.into_bytes(), request_id)
        }
        Protocol::RestJson | Protocol::RestXml => rest::encode(call, shape, output, request_id),
    }
}

/// A response with the headers that all answers of a protocol have.
pub(super) fn respond(
    service: &Service,
    protocol: Protocol,
    status: u16,
    body: Vec<u8>,
    request_id: &str,
) -> Response<Bytes> {
    respond_as(service.name() == "s3", protocol, status, body, request_id)
}

pub(super) fn respond_as(
    s3: bool,
    protocol: Protocol,
    status: u16,
    body: Vec<u8>,
    request_id: &str,
) -> Response<Bytes> {
    let content_type = match protocol {
        Protocol::AwsJson10 => "application/x-amz-json-1.0",
        Protocol::AwsJson11 => "application/x-amz-json-1.1",
        Protocol::RpcV2Cbor => "application/cbor",
        Protocol::Query => "text/xml",
        Protocol::RestJson => "application/json",
        Protocol::RestXml => "application/xml",
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let id = HeaderValue::from_str(request_id).unwrap_or(HeaderValue::from_static("-"));
    if s3 {
        headers.insert(HeaderName::from_static("x-amz-id-2"), id.clone());
        headers.insert(HeaderName::from_static("x-amz-request-id"), id);
    } else {
        headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
    }
    if protocol == Protocol::RpcV2Cbor {
        headers.insert(HeaderName::from_static("smithy-protocol"), HeaderValue::from_static("rpc-v2-cbor"));
    }
    let always = matches!(protocol, Protocol::AwsJson10 | Protocol::AwsJson11);
    if always || !response.body().is_empty() {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}
