//! Real botocore, both ways, for every operation of every embedded model.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use base::ApiError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use wire::{EndpointHosts, Protocol, Service, models, sigv4};

use crate::python::python;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Two tests, so that two cores share the work.
#[test]
fn botocore_and_we_understand_each_other_in_every_operation_up_to_iam() {
    converse("botocore up to iam", &services(|name| name <= "iam"));
}

#[test]
fn botocore_and_we_understand_each_other_in_every_operation_after_iam() {
    converse("botocore after iam", &services(|name| name > "iam"));
}

/// The services and the protocols that botocore can be told to use for them.
fn services(wanted: impl Fn(&str) -> bool) -> BTreeMap<&'static str, Vec<&'static str>> {
    let services = models().services().filter(|name| wanted(name)).filter_map(|name| models().service(name));
    services.map(|s| (s.name(), s.protocols().map(protocol_name).collect())).collect()
}

fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 => "json",
        Protocol::Query => "query",
        Protocol::RestJson => "rest-json",
        Protocol::RestXml => "rest-xml",
        Protocol::RpcV2Cbor => "smithy-rpc-v2-cbor",
    }
}

fn converse(test: &str, wanted: &BTreeMap<&str, Vec<&str>>) {
    let Some(mut command) = python(test) else { return };
    let mut child = command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/oracle.py"))
        .arg(serde_json::to_string(wanted).unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to_python = child.stdin.take().unwrap();
    let from_python = BufReader::new(child.stdout.take().unwrap());
    let mut faults = Vec::new();
    let mut done = None;
    for line in from_python.lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if let Some(fault) = line.get("fault") {
            faults.push(fault.as_str().unwrap_or_default().to_owned());
        } else if let Some(skipped) = line.get("skipped") {
            println!("not covered: {skipped}");
        } else if line.get("done").is_some() {
            done = Some(line);
        } else {
            let answer = serve(&line).unwrap_or_else(|fault| {
                faults.push(format!("{}.{} {}: {fault}", line["service"], line["operation"], line["protocol"]));
                json!({"status": 500, "headers": [], "body": ""})
            });
            writeln!(to_python, "{answer}").unwrap();
        }
    }
    child.wait().unwrap();
    println!("{done:?}");
    let shown: Vec<&String> = faults.iter().filter(|f| !f.contains("(500)")).take(40).collect();
    assert!(faults.is_empty(), "{} faults, the first of them: {shown:#?}", faults.len());
    let requests = done.as_ref().and_then(|d| d.pointer("/done/requests")).and_then(Value::as_u64);
    assert!(requests > Some(100), "botocore must have called every operation: {done:?}");
}

fn serve(line: &Value) -> Result<Value, String> {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let mut builder = http::Request::builder().method(text("method")).uri(text("url"));
    for pair in line["headers"].as_array().into_iter().flatten() {
        builder = builder.header(pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
    }
    let (mut parts, ()) = builder.body(()).map_err(|e| e.to_string())?.into_parts();
    // On the wire there is a Host header and a path.
    if !parts.headers.contains_key("host") {
        let host = parts.uri.authority().ok_or("no authority")?.as_str().to_owned();
        parts.headers.insert("host", host.parse().map_err(|_| "host")?);
    }
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
    parts.uri = path.parse().map_err(|_| "path")?;
    let body = STANDARD.decode(text("body")).map_err(|e| e.to_string())?;

    let hosts = EndpointHosts::new(["127.0.0.1", "localhost"]);
    let form = wire::wants_form(&parts).then_some(&*body);
    let call = wire::route(&parts, &hosts, form).map_err(|e| format!("route: {e}"))?;
    if (call.service.name(), call.operation.name()) != (text("service"), text("operation")) {
        return Err(format!("routed to {}.{}", call.service.name(), call.operation.name()));
    }
    if protocol_name(call.protocol) != text("protocol") {
        return Err(format!("answered in {:?}", call.protocol));
    }
    let streaming = wire::has_streaming_input(&call);
    let content = check_signature(&parts, &body, streaming)?;
    let input = wire::decode_unchecked(&call, &parts, if streaming { b"" } else { &content });
    let input = input.map_err(|e| format!("decode: {e}"))?;
    if let Some(expected) = line.get("expected").filter(|e| comparable(e, &call) != comparable(&input, &call)) {
        return Err(difference(expected, &input));
    }
    if let Some(streamed) = line["streamed"].as_str().filter(|s| STANDARD.decode(s).ok().as_ref() != Some(&content)) {
        return Err(format!("streamed {streamed}, received {content:?}"));
    }
    let error = line["error"].as_str().map(|code| api_error(call.service, code, &line["members"]));
    let result = match &error {
        Some(e) => Err(e),
        None => Ok(&line["output"]),
    };
    let response = wire::encode(&call, result, "01234567-89ab-cdef-0123-456789abcdef");
    let headers: Vec<Value> =
        response.headers().iter().map(|(k, v)| json!([k.as_str(), String::from_utf8_lossy(v.as_bytes())])).collect();
    let attached = line["attach"].as_str().filter(|_| error.is_none());
    let body = attached.map_or_else(|| STANDARD.encode(response.body()), str::to_owned);
    Ok(json!({"status": response.status().as_u16(), "headers": headers, "body": body}))
}

/// botocore adds checksums and an encoding of its own to what it was given; some protocols cannot say that a structure is empty.
fn comparable(input: &Value, call: &wire::Call) -> Value {
    let mut input = input.clone();
    if matches!(call.protocol, Protocol::Query | Protocol::RestJson) {
        strip_empty(&mut input);
    }
    if let Value::Object(object) = &mut input {
        object.retain(|key, _| !key.starts_with("Checksum") && key != "ContentMD5" && key != "ContentLength");
        object.retain(|key, value| key != "EncodingType" || value != "url");
    }
    input
}

fn difference(wanted: &Value, decoded: &Value) -> String {
    let empty = serde_json::Map::new();
    let (wanted, decoded) = (wanted.as_object().unwrap_or(&empty), decoded.as_object().unwrap_or(&empty));
    let mut out = String::new();
    for key in wanted.keys().chain(decoded.keys()) {
        if wanted.get(key) != decoded.get(key) {
            out.push_str(&format!("{key}: wanted {:?}, decoded {:?}; ", wanted.get(key), decoded.get(key)));
        }
    }
    out
}

fn strip_empty(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(strip_empty);
            object.retain(|_, v| *v != json!({}) && *v != json!([]));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(strip_empty);
            items.retain(|v| *v != json!({}));
        }
        _ => {}
    }
}

/// Verifies the signature as of its own time and takes the framing off the body.
fn check_signature(parts: &http::request::Parts, body: &[u8], streaming: bool) -> Result<Vec<u8>, String> {
    let Some(signature) = sigv4::parse(parts).map_err(|e| format!("signature: {e}"))? else {
        return Ok(body.to_vec());
    };
    let whole = (!streaming || signature.needs_body()).then_some(body);
    let verified =
        sigv4::verify(&signature, parts, whole, SECRET, signature.time).map_err(|e| format!("verify: {e:?}"))?;
    if signature.session_token.as_deref() != Some("token/+=") {
        return Err("the session token is lost".to_owned());
    }
    let mut reader = verified.body_reader(parts);
    let mut content = Vec::new();
    for piece in body.chunks(7) {
        let piece = Bytes::copy_from_slice(piece);
        reader.push(piece, |data| content.extend_from_slice(&data)).map_err(|e| format!("body: {e}"))?;
    }
    reader.finish().map_err(|e| format!("body: {e}"))?;
    Ok(content)
}

fn api_error(service: &'static Service, code: &str, members: &Value) -> ApiError {
    let code = service.errors().find(|c| *c == code).unwrap_or("InternalFailure");
    let mut error = ApiError::new(code, "A mëssage <&>");
    for (name, value) in members.as_object().into_iter().flatten() {
        error = error.with_member(Box::leak(name.clone().into_boxed_str()), value.clone());
    }
    error
}
