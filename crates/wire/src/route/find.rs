//! Looks at everything that may name an operation.

use base::ApiError;
use http::request::Parts;

use super::host::{self, EndpointHosts, Host};
use super::{Call, rest};
use crate::decode::inflate;
use crate::error::{unknown_operation, unknown_service};
use crate::model::{Models, Operation, Protocol, Service, models};
use crate::uri;

/// Whether the body must be at hand for [`route`]: query requests name their operation in a form.
pub fn wants_form(parts: &Parts) -> bool {
    let form = parts
        .headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|v| v.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    form && parts.method == http::Method::POST
        && !parts.headers.contains_key("x-amz-target")
        // curl and others call any upload a form.
        && !signing_name(parts).is_some_and(|s| s.starts_with("s3"))
}

/// Finds the operation by the rpc-v2-cbor path, `X-Amz-Target`, the signature's scope, the host, the form's `Action`
/// and the path, in this order. What remains unsigned and unnamed is S3's.
pub fn route(parts: &Parts, endpoint: &EndpointHosts, form_body: Option<&[u8]>) -> Result<Call, ApiError> {
    if is_cbor(parts) {
        return cbor(parts);
    }
    if let Some(target) = header(parts, "x-amz-target") {
        return target_header(parts, target);
    }
    let host = host::read(parts, endpoint);
    let action = action(parts, form_body)?;
    let signing = signing_name(parts);
    let service = match (&signing, &host) {
        (Some(name), _) if name.starts_with("s3") => models().service("s3"),
        (Some(name), _) => match Models::all().iter().find(|s| s.signing_name() == *name) {
            Some(service) => Some(service),
            None => return Err(unknown_service(guess(parts, action.is_some()), name)),
        },
        (None, Host::Service(service) | Host::Either(service, _)) => Some(*service),
        (None, Host::Unknown(name)) => return Err(unknown_service(guess(parts, action.is_some()), name)),
        (None, Host::Bucket(_)) => models().service("s3"),
        (None, Host::Own) => match &action {
            Some(action) => Some(by_version(action)?),
            None => models().service("s3"),
        },
    };
    let Some(service) = service else { return Err(unknown_service(Protocol::RestXml, "s3")) };
    if service.speaks(Protocol::RestXml) {
        let bucket = match &host {
            Host::Bucket(bucket) | Host::Either(_, bucket) => Some(&**bucket),
            Host::Own | Host::Service(_) | Host::Unknown(_) => None,
        };
        return rest::find(service, Protocol::RestXml, parts, bucket);
    }
    if service.speaks(Protocol::RestJson) {
        return rest::find(service, Protocol::RestJson, parts, None);
    }
    match action {
        Some(Action { name, .. }) if service.speaks(Protocol::Query) => match service.operation(&name) {
            Some(operation) => Ok(call(service, operation, Protocol::Query)),
            None => Err(unknown_operation(Protocol::Query, service.name(), &name, service.api_version())),
        },
        None if service.speaks(Protocol::Query) => {
            Err(ApiError::new("MissingAction", "The request is missing an action or a required parameter.")
                .with_status(400))
        }
        _ => Err(unknown_operation(Protocol::AwsJson11, service.name(), "(no X-Amz-Target)", service.api_version())),
    }
}

/// The protocol that an answer should be written in when the request's operation is not known.
pub(crate) fn guess(parts: &Parts, has_action: bool) -> Protocol {
    if is_cbor(parts) {
        return Protocol::RpcV2Cbor;
    }
    let json = header(parts, "content-type").filter(|t| t.contains("json"));
    if parts.headers.contains_key("x-amz-target") || json.is_some() {
        let old = json.is_some_and(|t| t.contains("x-amz-json-1.0"));
        return if old { Protocol::AwsJson10 } else { Protocol::AwsJson11 };
    }
    if has_action || wants_form(parts) {
        return Protocol::Query;
    }
    match signing_name(parts).and_then(|n| Models::all().iter().find(|s| s.signing_name() == n)) {
        Some(service) => service.protocols().last().unwrap_or(Protocol::RestXml),
        None => Protocol::RestXml,
    }
}

fn call(service: &'static Service, operation: &'static Operation, protocol: Protocol) -> Call {
    Call::new(service, operation, protocol)
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|v| v.to_str().ok())
}

fn is_cbor(parts: &Parts) -> bool {
    parts.headers.get("smithy-protocol").is_some_and(|v| v.as_bytes() == b"rpc-v2-cbor")
}

fn cbor(parts: &Parts) -> Result<Call, ApiError> {
    let path = parts.uri.path();
    let named = path.rsplit_once("/service/").map_or(path, |(_, rest)| rest);
    let Some((prefix, operation)) = named.split_once("/operation/") else {
        return Err(unknown_operation(Protocol::RpcV2Cbor, "rpc-v2-cbor", path, ""));
    };
    // The model's name may carry a namespace that the path leaves out.
    let bare = |name: &'static str| name.rsplit_once('.').map_or(name, |(_, bare)| bare);
    let matches = |s: &&Service| s.has_target(prefix);
    let service = Models::all()
        .iter()
        .find(matches)
        .or_else(|| Models::all().iter().find(|s| s.target_prefix().is_some_and(|t| bare(t) == prefix)))
        .ok_or_else(|| unknown_service(Protocol::RpcV2Cbor, prefix))?;
    match service.operation(operation) {
        Some(operation) => Ok(call(service, operation, Protocol::RpcV2Cbor)),
        None => Err(unknown_operation(Protocol::RpcV2Cbor, service.name(), operation, service.api_version())),
    }
}

fn target_header(parts: &Parts, target: &str) -> Result<Call, ApiError> {
    let protocol = guess(parts, false);
    let (prefix, name) = target.rsplit_once('.').unwrap_or((target, ""));
    let Some(service) = Models::all().iter().find(|s| s.has_target(prefix)) else {
        return Err(unknown_service(protocol, prefix));
    };
    match service.operation(name) {
        Some(operation) => Ok(call(service, operation, protocol)),
        None => Err(unknown_operation(protocol, service.name(), name, service.api_version())),
    }
}

/// The service in the signature's scope, whether in the header or in the query string.
fn signing_name(parts: &Parts) -> Option<&str> {
    let scope = |credential: &'_ str| -> Option<(usize, usize)> {
        // AKID/date/region/service/aws4_request
        let mut slashes = credential.match_indices('/').map(|(i, _)| i).skip(2);
        let (from, to) = (slashes.next()? + 1, slashes.next()?);
        Some((from, to))
    };
    if let Some(authorization) = header(parts, "authorization") {
        let credential = authorization.split_once("Credential=")?.1;
        let (from, to) = scope(credential)?;
        return credential.get(from..to);
    }
    let query = parts.uri.query()?;
    let credential = query.split('&').find_map(|p| p.strip_prefix("X-Amz-Credential="))?;
    if credential.contains('/') {
        let (from, to) = scope(credential)?;
        return credential.get(from..to);
    }
    credential.split("%2F").nth(3).or_else(|| credential.split("%2f").nth(3))
}

/// What a form or query string says of the operation.
struct Action {
    name: String,
    version: Option<String>,
}

fn action(parts: &Parts, form_body: Option<&[u8]>) -> Result<Option<Action>, ApiError> {
    let form = inflate(Protocol::Query, parts, form_body.unwrap_or_default())?;
    let form = std::str::from_utf8(&form).unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let find = |key: &str| -> Result<Option<String>, ApiError> {
        for text in [form, query] {
            for pair in text.split('&') {
                let value = pair.strip_prefix(key).and_then(|rest| rest.strip_prefix('='));
                if let Some(value) = value {
                    return Ok(uri::pairs(&format!("v={value}"))?.pop().map(|(_, v)| v));
                }
            }
        }
        Ok(None)
    };
    match find("Action")? {
        Some(name) => Ok(Some(Action { name, version: find("Version")? })),
        None => Ok(None),
    }
}

/// The API version tells the query services apart.
fn by_version(action: &Action) -> Result<&'static Service, ApiError> {
    let version = action.version.as_deref().unwrap_or_default();
    let mut services = Models::all().iter().filter(|s| s.speaks(Protocol::Query));
    services.find(|s| s.api_version() == version).ok_or_else(|| {
        unknown_operation(Protocol::Query, "", &action.name, if version.is_empty() { "(none)" } else { version })
    })
}
