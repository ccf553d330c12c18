//! The canonical form of a request.

use http::request::Parts;

use crate::uri;

/// Whether the service's canonical path is encoded once, as S3's, or twice.
pub(super) fn encodes_once(service: &str) -> bool {
    service.starts_with("s3")
}

/// The canonical request; the payload's hash is its last line.
pub(super) fn request(
    parts: &Parts,
    service: &str,
    signed_headers: &[String],
    payload: &str,
    raw_path: bool,
) -> String {
    let mut out = String::with_capacity(512);
    out.push_str(parts.method.as_str());
    out.push('\n');
    path(&mut out, parts.uri.path(), service, raw_path);
    out.push('\n');
    query(&mut out, parts.uri.query().unwrap_or_default());
    out.push('\n');
    for name in signed_headers {
        out.push_str(name);
        out.push(':');
        header(&mut out, parts, name);
        out.push('\n');
    }
    out.push('\n');
    for (i, name) in signed_headers.iter().enumerate() {
        if i > 0 {
            out.push(';');
        }
        out.push_str(name);
    }
    out.push('\n');
    out.push_str(payload);
    out
}

fn path(out: &mut String, raw: &str, service: &str, raw_path: bool) {
    let raw = if raw.is_empty() { "/" } else { raw };
    if raw == "/" || (raw_path && encodes_once(service)) {
        out.push_str(raw);
    } else if encodes_once(service) {
        uri::push_encoded(out, &uri::decode_bytes(raw), true);
    } else if raw_path {
        uri::push_encoded(out, raw.as_bytes(), true);
    } else {
        uri::push_encoded(out, normalised(raw).as_bytes(), true);
    }
}

/// Without empty, `.` and `..` segments.
fn normalised(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut out = format!("/{}", kept.join("/"));
    if path.ends_with('/') && out.len() > 1 {
        out.push('/');
    }
    out
}

fn query(out: &mut String, raw: &str) {
    let mut pairs: Vec<(String, String)> = raw
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|p| p.split_once('=').unwrap_or((p, "")))
        .filter(|(key, _)| *key != "X-Amz-Signature")
        .map(|(key, value)| (encoded(key), encoded(value)))
        .collect();
    pairs.sort();
    for (i, (key, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.push('&');
        }
        out.push_str(key);
        out.push('=');
        out.push_str(value);
    }
}

fn encoded(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    uri::push_encoded(&mut out, &uri::decode_bytes(raw), false);
    out
}

/// The values of a header: trimmed, inner spaces made one, several joined by commas.
fn header(out: &mut String, parts: &Parts, name: &str) {
    let mut first = true;
    for value in parts.headers.get_all(name) {
        if !std::mem::take(&mut first) {
            out.push(',');
        }
        let text: std::borrow::Cow<'_, str> = match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => text.into(),
            Err(_) => value.as_bytes().iter().map(|b| char::from(*b)).collect::<String>().into(),
        };
        let mut words = text.split([' ', '\t']).filter(|w| !w.is_empty());
        if let Some(word) = words.next() {
            out.push_str(word);
        }
        for word in words {
            out.push(' ');
            out.push_str(word);
        }
    }
    // HTTP/2 has no Host header; the authority says the same.
    if first
        && name == "host"
        && let Some(authority) = parts.uri.authority()
    {
        out.push_str(authority.as_str());
    }
}
