//! Signs requests of our own.

use base::{Secret, Timestamp};
use http::request::Parts;
use http::{HeaderValue, Uri};

use super::key::{SigningKey, sha256_hex};
use super::parse::CredentialScope;
use super::{ALGORITHM, Fault, canonical};
use crate::{time, uri};

/// Who signs.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `AKIA...`.
    pub access_key: String,
    /// The secret access key.
    pub secret: Secret<String>,
    /// Of temporary credentials.
    pub session_token: Option<Secret<String>>,
}

/// What a signature is for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// `eu-west-1`.
    pub region: &'a str,
    /// The signing name: `codebuild`, `s3`.
    pub service: &'a str,
}

/// What is said of the body.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// The whole of it.
    Bytes(&'a [u8]),
    /// `UNSIGNED-PAYLOAD`.
    Unsigned,
}

/// Adds `X-Amz-Date`, the session token, `Authorization` and, for S3, the content's hash. `Host` must be there or in
/// the URI.
pub fn sign(
    parts: &mut Parts,
    payload: Payload<'_>,
    credentials: &Credentials,
    target: Target<'_>,
    now: Timestamp,
) -> Result<(), Fault> {
    let amz_date = time::compact(now);
    let hash = match payload {
        Payload::Bytes(bytes) => sha256_hex(bytes),
        Payload::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
    };
    put_host(parts)?;
    put(parts, "x-amz-date", &amz_date)?;
    if let Some(token) = &credentials.session_token {
        put(parts, "x-amz-security-token", token.expose())?;
    }
    if canonical::encodes_once(target.service) {
        put(parts, "x-amz-content-sha256", &hash)?;
    }
    let mut names: Vec<String> = parts
        .headers
        .keys()
        .map(|n| n.as_str().to_owned())
        .filter(|n| n == "host" || n == "content-type" || n == "content-md5" || n.starts_with("x-amz-"))
        .collect();
    names.sort();
    let scope = scope(&amz_date, target);
    let canonical = canonical::request(parts, target.service, &names, &hash, false);
    let signature = signature(&canonical, &amz_date, &scope, credentials);
    let text = format!(
        "{ALGORITHM} Credential={}/{}, SignedHeaders={}, Signature={signature}",
        credentials.access_key,
        scope.text(),
        names.join(";")
    );
    put(parts, "authorization", &text)
}

/// Gives the URI a signature that lives for `expires_secs`.
pub fn presign(
    parts: &mut Parts,
    credentials: &Credentials,
    target: Target<'_>,
    now: Timestamp,
    expires_secs: u32,
) -> Result<(), Fault> {
    let amz_date = time::compact(now);
    put_host(parts)?;
    let scope = scope(&amz_date, target);
    let credential = format!("{}/{}", credentials.access_key, scope.text());
    let mut query = parts.uri.query().unwrap_or_default().to_owned();
    let mut add = |key: &str, value: &str| {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&format!("{key}={}", uri::encode(value)));
    };
    add("X-Amz-Algorithm", ALGORITHM);
    add("X-Amz-Credential", &credential);
    add("X-Amz-Date", &amz_date);
    add("X-Amz-Expires", &expires_secs.to_string());
    add("X-Amz-SignedHeaders", "host");
    if let Some(token) = &credentials.session_token {
        add("X-Amz-Security-Token", token.expose());
    }
    set_query(parts, &query)?;
    let hash = if canonical::encodes_once(target.service) { "UNSIGNED-PAYLOAD" } else { super::EMPTY_SHA256 };
    let canonical = canonical::request(parts, target.service, &["host".to_owned()], hash, false);
    let signature = signature(&canonical, &amz_date, &scope, credentials);
    set_query(parts, &format!("{query}&X-Amz-Signature={signature}"))
}

fn scope(amz_date: &str, target: Target<'_>) -> CredentialScope {
    CredentialScope {
        date: amz_date.get(..8).unwrap_or_default().to_owned(),
        region: target.region.to_owned(),
        service: target.service.to_owned(),
    }
}

fn signature(canonical: &str, amz_date: &str, scope: &CredentialScope, credentials: &Credentials) -> String {
    let text = format!("{ALGORITHM}\n{amz_date}\n{}\n{}", scope.text(), sha256_hex(canonical.as_bytes()));
    SigningKey::of(credentials.secret.expose(), &scope.date, &scope.region, &scope.service).sign(&text)
}

fn set_query(parts: &mut Parts, query: &str) -> Result<(), Fault> {
    let bad = |_| Fault::Malformed("the URI cannot carry a signature".to_owned());
    let mut pieces = parts.uri.clone().into_parts();
    let text = format!("{}?{query}", parts.uri.path());
    pieces.path_and_query = Some(text.parse().map_err(bad)?);
    parts.uri = Uri::from_parts(pieces).map_err(|_| Fault::Malformed("the URI cannot carry a signature".to_owned()))?;
    Ok(())
}

fn put_host(parts: &mut Parts) -> Result<(), Fault> {
    if parts.headers.contains_key(http::header::HOST) {
        return Ok(());
    }
    match parts.uri.authority().map(|a| a.as_str().to_owned()) {
        Some(host) => put(parts, "host", &host),
        None => Err(Fault::Malformed("the request has no host".to_owned())),
    }
}

fn put(parts: &mut Parts, name: &'static str, value: &str) -> Result<(), Fault> {
    let value = HeaderValue::from_str(value).map_err(|_| Fault::Malformed(format!("{name} is no header's value")))?;
    parts.headers.insert(name, value);
    Ok(())
}
