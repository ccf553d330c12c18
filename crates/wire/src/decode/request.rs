//! Reads a request, whatever its protocol.

use std::borrow::Cow;
use std::io::Read as _;

use base::ApiError;
use http::request::Parts;
use serde_json::{Map, Value};

use super::{cbor, json, query, rest};
use crate::error::malformed;
use crate::model::Protocol;
use crate::route::Call;
use crate::validate;

/// A compressed body may not grow beyond this, in bytes.
const MAX_INFLATED_BYTES: u64 = 64 << 20;

/// The operation's input in canonical JSON, checked against the model.
///
/// A streaming payload is left out: its body goes to the operation as it comes. `body` is then empty.
pub fn decode(call: &Call, parts: &Parts, body: &[u8]) -> Result<Value, ApiError> {
    let value = decode_unchecked(call, parts, body)?;
    validate::check(call, &value)?;
    Ok(value)
}

/// As [`decode`], without the model's rules on lengths, ranges, patterns and what is required.
pub fn decode_unchecked(call: &Call, parts: &Parts, body: &[u8]) -> Result<Value, ApiError> {
    let Some(input) = call.operation.input() else { return Ok(Value::Object(Map::new())) };
    let shapes = call.service.shapes();
    let body = inflate(call.protocol, parts, body)?;
    match call.protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => json::decode(shapes, input, &body, call.protocol),
        Protocol::RpcV2Cbor => cbor::decode(shapes, input, &body),
        Protocol::Query => query::decode(shapes, input, parts, &body),
        Protocol::RestJson | Protocol::RestXml => rest::decode(call, shapes, input, parts, &body),
    }
}

/// Undoes `Content-Encoding: gzip`, which SDKs use for operations that the model marks. Streaming bodies keep theirs:
/// there it belongs to the object.
pub(crate) fn inflate<'a>(protocol: Protocol, parts: &Parts, body: &'a [u8]) -> Result<Cow<'a, [u8]>, ApiError> {
    let gzip = parts
        .headers
        .get(http::header::CONTENT_ENCODING)
        .is_some_and(|v| v.as_bytes().trim_ascii().eq_ignore_ascii_case(b"gzip"));
    if !gzip || body.is_empty() || protocol == Protocol::RestXml {
        return Ok(Cow::Borrowed(body));
    }
    let mut out = Vec::new();
    match flate2::read::MultiGzDecoder::new(body).take(MAX_INFLATED_BYTES + 1).read_to_end(&mut out) {
        Ok(_) if out.len() as u64 > MAX_INFLATED_BYTES => {
            Err(malformed(protocol, "The request's body is too large when decompressed.").with_status(413))
        }
        Ok(_) => Ok(Cow::Owned(out)),
        Err(_) => Err(malformed(protocol, "The request's body is not gzip although its Content-Encoding says so.")),
    }
}
