//! rest-json and rest-xml: members in the path, the query string, headers and the body.

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::request::Parts;
use serde_json::{Map, Value};

use super::{json, scalar, xml};
use crate::error::malformed;
use crate::model::{Kind, Location, Member, Protocol, ShapeId, Shapes, Structure, TimeFormat};
use crate::route::Call;
use crate::uri;

/// Reads a whole request.
pub(super) fn decode(
    call: &Call,
    shapes: &Shapes,
    input: ShapeId,
    parts: &Parts,
    body: &[u8],
) -> Result<Value, ApiError> {
    let shape = shapes.get(input);
    let Kind::Structure(s) = &shape.kind else { return Ok(Value::Object(Map::new())) };
    let query = uri::pairs(parts.uri.query().unwrap_or_default())?;
    let request = Request { protocol: call.protocol, shapes, structure: s, query: &query, headers: &parts.headers };
    let mut out = match s.payload() {
        Some(member) => request.payload(member, body)?,
        None if body.trim_ascii().is_empty() || s.members.iter().all(|m| m.location != Location::Body) => Map::new(),
        None => match call.protocol {
            Protocol::RestXml => xml::decode(shapes, shape, body)?,
            _ => json::decode(shapes, input, body, call.protocol)?,
        }
        .as_object()
        .cloned()
        .unwrap_or_default(),
    };
    for member in &*s.members {
        let value = match member.location {
            Location::Body | Location::Status => None,
            Location::Uri => match call.labels.iter().find(|(name, _)| *name == member.wire_name()) {
                Some((_, text)) => request.scalar(member, text, TimeFormat::Iso8601).map(Some)?,
                None => None,
            },
            Location::Query => request.query_member(member)?,
            Location::Header => request.header_member(member)?,
            Location::HeaderMap => request.header_map(member),
        };
        if let Some(value) = value {
            out.insert(member.name.to_string(), value);
        }
    }
    Ok(Value::Object(out))
}

struct Request<'a> {
    protocol: Protocol,
    shapes: &'a Shapes,
    structure: &'a Structure,
    query: &'a [(String, String)],
    headers: &'a HeaderMap,
}

impl Request<'_> {
    fn scalar(&self, member: &Member, text: &str, times: TimeFormat) -> Result<Value, ApiError> {
        let shape = self.shapes.get(member.shape);
        scalar::parse(self.protocol, shape, text, times, &member.name)
    }

    fn payload(&self, member: &Member, body: &[u8]) -> Result<Map<String, Value>, ApiError> {
        let shape = self.shapes.get(member.shape);
        let mut out = Map::new();
        let value = match &shape.kind {
            Kind::Blob | Kind::Text if member.streaming || shape.streaming => None,
            _ if body.is_empty() => None,
            Kind::Blob => Some(Value::String(STANDARD.encode(body))),
            Kind::Text => match std::str::from_utf8(body) {
                Ok(text) => Some(Value::String(text.to_owned())),
                Err(_) => return Err(malformed(self.protocol, "The request's body is not UTF-8.")),
            },
            _ if self.protocol == Protocol::RestXml => Some(xml::decode(self.shapes, shape, body)?),
            _ => Some(json::decode(self.shapes, member.shape, body, self.protocol)?),
        };
        if let Some(value) = value {
            out.insert(member.name.to_string(), value);
        }
        Ok(out)
    }

    fn query_member(&self, member: &Member) -> Result<Option<Value>, ApiError> {
        let shape = self.shapes.get(member.shape);
        let name = member.wire_name();
        let mut values = self.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value);
        match &shape.kind {
            Kind::List { element, .. } => {
                let inner = self.shapes.get(element.shape);
                let items = values
                    .map(|v| scalar::parse(self.protocol, inner, v, TimeFormat::Iso8601, &member.name))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok((!items.is_empty()).then_some(Value::Array(items)))
            }
            Kind::Map { value, .. } => Ok(self.query_map(value.shape)),
            _ => values.next().map(|v| self.scalar(member, v, TimeFormat::Iso8601)).transpose(),
        }
    }

    /// A map in the query string takes every key that no other member owns.
    fn query_map(&self, value: ShapeId) -> Option<Value> {
        let lists = matches!(self.shapes.get(value).kind, Kind::List { .. });
        let mut out = Map::new();
        for (key, value) in self.query {
            if self.structure.members.iter().any(|m| m.location == Location::Query && m.wire_name() == key) {
                continue;
            }
            let value = Value::String(value.clone());
            if lists {
                let entry = out.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(items) = entry {
                    items.push(value);
                }
            } else {
                out.insert(key.clone(), value);
            }
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }

    fn header(&self, name: &str) -> Option<String> {
        if self.protocol == Protocol::RestXml {
            // What aws-chunked adds is about the transfer, not about the object.
            if name.eq_ignore_ascii_case("content-length")
                && let Some(length) = self.headers.get("x-amz-decoded-content-length")
            {
                return Some(header_text(length.as_bytes()));
            }
            if name.eq_ignore_ascii_case("content-encoding") {
                return self.content_encoding();
            }
        }
        let mut values = self.headers.get_all(name).iter().map(|v| header_text(v.as_bytes()));
        if let Some(first) = values.next() {
            return Some(values.fold(first, |all, next| all + "," + &next));
        }
        // Presigned URLs of some SDKs carry headers in the query string.
        let hoisted = self.protocol == Protocol::RestXml && name.len() > 6 && name[..6].eq_ignore_ascii_case("x-amz-");
        let found = self.query.iter().find(|(key, _)| hoisted && key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    }

    fn content_encoding(&self) -> Option<String> {
        let text = header_text(self.headers.get(http::header::CONTENT_ENCODING)?.as_bytes());
        if !text.contains("aws-chunked") {
            return Some(text);
        }
        let rest: Vec<&str> = text.split(',').map(str::trim).filter(|t| *t != "aws-chunked" && !t.is_empty()).collect();
        (!rest.is_empty()).then(|| rest.join(","))
    }

    fn header_member(&self, member: &Member) -> Result<Option<Value>, ApiError> {
        let Some(text) = self.header(member.wire_name()) else { return Ok(None) };
        match &self.shapes.get(member.shape).kind {
            Kind::List { element, .. } => {
                let inner = self.shapes.get(element.shape);
                let items = split_list(&text)
                    .iter()
                    .map(|v| scalar::parse(self.protocol, inner, v, TimeFormat::Rfc822, &member.name))
                    .collect::<Result<_, _>>()?;
                Ok(Some(Value::Array(items)))
            }
            _ => self.scalar(member, &text, TimeFormat::Rfc822).map(Some),
        }
    }

    fn header_map(&self, member: &Member) -> Option<Value> {
        let prefix = member.wire_name().to_ascii_lowercase();
        let mut out = Map::new();
        for name in self.headers.keys() {
            if let Some(key) = name.as_str().strip_prefix(&prefix)
                && let Some(value) = self.header(name.as_str())
            {
                out.insert(key.to_owned(), Value::String(value));
            }
        }
        for (key, value) in self.query {
            let key = key.to_ascii_lowercase();
            if let Some(key) = key.strip_prefix(&prefix).filter(|_| !prefix.is_empty()) {
                out.entry(key.to_owned()).or_insert_with(|| Value::String(value.clone()));
            }
        }
        (!out.is_empty()).then_some(Value::Object(out))
    }
}

/// A header's value as text: UTF-8 where it is, else Latin-1.
fn header_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
    }
}

/// Splits at commas outside of double quotes and undoes the quoting.
fn split_list(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut current = String::new();
    let mut quoted = false;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => current.extend(chars.next()),
            ',' if !quoted => out.push(std::mem::take(&mut current).trim().to_owned()),
            c => current.push(c),
        }
    }
    out.push(current.trim().to_owned());
    out.retain(|item| !item.is_empty());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_list_splits_outside_of_quotes() {
        assert_eq!(split_list(r#"a, "b,c" ,"d\"e""#), ["a", "b,c", "d\"e"]);
    }
}
