//! Finds the operation of a rest-json or rest-xml service by method, path, query string and headers.

use base::ApiError;
use http::request::Parts;

use super::Call;
use crate::error::unknown_operation;
use crate::model::{Kind, Location, Operation, Protocol, Segment, Service};
use crate::uri;

/// How well an operation fits; the order of the fields is the order of their weight.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    literal_segments: usize,
    literal_query: usize,
    /// S3 tells PutObject, UploadPart and CopyObject apart by what the model requires of query string and headers.
    nothing_missing: bool,
    required_present: usize,
    current: bool,
    named: bool,
}

pub(super) fn find(
    service: &'static Service,
    protocol: Protocol,
    parts: &Parts,
    bucket: Option<&str>,
) -> Result<Call, ApiError> {
    let path = parts.uri.path();
    let mut segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
    segments.splice(0..0, bucket);
    // A final slash means nothing after a bucket, or in rest-json; in a key it counts.
    if segments.last() == Some(&"") && (protocol == Protocol::RestJson || segments.len() <= 2) {
        segments.pop();
    }
    let query = query_keys(parts);
    let mut best: Option<(Fit, &'static Operation)> = None;
    for operation in service.operations() {
        if let Some(fit) = fit(service, operation, parts, &segments, &query)
            && best.as_ref().is_none_or(|(b, _)| fit > *b)
        {
            best = Some((fit, operation));
        }
    }
    let Some((_, operation)) = best else {
        let named = format!("{} {path}", parts.method);
        return Err(unknown_operation(protocol, service.name(), &named, service.api_version()));
    };
    let Some(labels) = labels(operation, &segments) else {
        return Err(ApiError::new("InvalidURI", "Couldn't parse the specified URI.").with_status(400));
    };
    Ok(Call { service, operation, protocol, labels, head: parts.method == http::Method::HEAD })
}

/// The raw keys and values of the query string; keys of models need no decoding.
fn query_keys(parts: &Parts) -> Vec<(&str, &str)> {
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter(|p| !p.is_empty());
    pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).collect()
}

fn fit(
    service: &'static Service,
    operation: &'static Operation,
    parts: &Parts,
    path: &[&str],
    query: &[(&str, &str)],
) -> Option<Fit> {
    let template = operation.uri();
    if *operation.method() != parts.method || !path_fits(&template.segments, path) {
        return None;
    }
    for (key, value) in &template.query {
        query.iter().find(|(k, v)| *k == &**key && value.as_deref().is_none_or(|value| value == *v))?;
    }
    let mut fit = Fit {
        literal_segments: template.segments.iter().filter(|s| matches!(s, Segment::Literal(_))).count(),
        literal_query: template.query.len(),
        nothing_missing: true,
        required_present: 0,
        current: !operation.is_deprecated(),
        named: query.iter().any(|(k, v)| *k == "x-id" && *v == operation.name()),
    };
    if let Some(input) = operation.input()
        && let Kind::Structure(s) = &service.shape(input).kind
    {
        for member in s.members.iter().filter(|m| m.required) {
            let name = member.wire_name();
            let hoisted = || query.iter().any(|(k, _)| k.eq_ignore_ascii_case(name));
            let present = match member.location {
                Location::Query => query.iter().any(|(k, _)| *k == name),
                Location::Header => parts.headers.contains_key(name) || hoisted(),
                _ => continue,
            };
            fit.nothing_missing &= present;
            fit.required_present += usize::from(present);
        }
    }
    Some(fit)
}

fn path_fits(template: &[Segment], path: &[&str]) -> bool {
    let greedy = template.iter().position(|s| matches!(s, Segment::Greedy(_)));
    let one = |(segment, part): (&Segment, &&str)| match segment {
        Segment::Literal(literal) => **literal == **part,
        Segment::Label(_) | Segment::Greedy(_) => !part.is_empty(),
    };
    match greedy {
        None => template.len() == path.len() && template.iter().zip(path).all(one),
        Some(at) => {
            let after = template.len() - at - 1;
            if path.len() < template.len() {
                return false;
            }
            // A key may begin or end with a slash, but it is not empty.
            let middle = path.get(at..path.len() - after).unwrap_or_default();
            template.iter().zip(path).take(at).all(one)
                && template.iter().rev().zip(path.iter().rev()).take(after).all(one)
                && (middle.len() > 1 || middle.first().is_some_and(|m| !m.is_empty()))
        }
    }
}

fn labels(operation: &'static Operation, path: &[&str]) -> Option<Vec<(&'static str, String)>> {
    let template = &operation.uri().segments;
    let mut out = Vec::new();
    let mut at = 0;
    for segment in template {
        match segment {
            Segment::Literal(_) => at += 1,
            Segment::Label(name) => {
                out.push((&**name, uri::decode(path.get(at)?)?));
                at += 1;
            }
            Segment::Greedy(name) => {
                let end = path.len() - (template.len() - at - 1).min(path.len());
                out.push((&**name, uri::decode(&path.get(at..end)?.join("/"))?));
                at = end;
            }
        }
    }
    Some(out)
}
