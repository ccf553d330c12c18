//! Reads a signature from a request's headers or query string.

use base::Timestamp;
use http::request::Parts;

use super::{ALGORITHM, Fault};
use crate::{time, uri};

/// A week is the longest that a presigned URL may live, in seconds.
const MAX_EXPIRES_SECS: i64 = 7 * 24 * 3600;

/// A request's signature, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Whose it is said to be.
    pub access_key: String,
    /// What it is valid for.
    pub scope: CredentialScope,
    /// Lower case, in the order given.
    pub signed_headers: Vec<String>,
    /// Belongs to temporary credentials.
    pub session_token: Option<String>,
    /// What the signature says of the body.
    pub payload: PayloadHash,
    /// When it was made.
    pub time: Timestamp,
    /// How long a presigned URL is valid, in seconds; `None` for a signature in headers.
    pub expires_secs: Option<i64>,
    /// In hex.
    pub(super) signature: String,
}

impl Signature {
    /// Whether [`super::verify`] must be given the body: the request does not say its hash. Clients of S3 always say
    /// it, clients of other services never do.
    pub fn needs_body(&self) -> bool {
        self.payload == PayloadHash::OfBody
    }
}

/// The scope of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialScope {
    /// `20240501`.
    pub date: String,
    /// `eu-west-1`.
    pub region: String,
    /// `codebuild`.
    pub service: String,
}

impl CredentialScope {
    pub(super) fn text(&self) -> String {
        format!("{}/{}/{}/aws4_request", self.date, self.region, self.service)
    }
}

/// What a signature says of the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// Nothing is said: the signature covers the body's hash.
    OfBody,
    /// The hash is given, in hex.
    Sha256(String),
    /// The body is not signed.
    Unsigned,
    /// aws-chunked, each chunk signed.
    SignedChunks {
        /// A signed trailer follows.
        trailer: bool,
    },
    /// aws-chunked, not signed, with a trailer.
    UnsignedChunks,
}

impl PayloadHash {
    /// Reads `x-amz-content-sha256`.
    pub(super) fn read(parts: &Parts) -> Result<Self, Fault> {
        let Some(value) = parts.headers.get("x-amz-content-sha256") else { return Ok(PayloadHash::OfBody) };
        let text = value.to_str().unwrap_or_default();
        Ok(match text {
            "UNSIGNED-PAYLOAD" => PayloadHash::Unsigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => PayloadHash::SignedChunks { trailer: false },
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => PayloadHash::SignedChunks { trailer: true },
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => PayloadHash::UnsignedChunks,
            hex if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                PayloadHash::Sha256(hex.to_ascii_lowercase())
            }
            _ => {
                return Err(Fault::Malformed(
                    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                     STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 \
                     value."
                        .to_owned(),
                ));
            }
        })
    }
}

/// Reads the signature; `None` when the request bears none.
pub fn parse(parts: &Parts) -> Result<Option<Signature>, Fault> {
    if let Some(value) = parts.headers.get(http::header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| Fault::Malformed("Authorization header is not text.".to_owned()))?;
        return from_header(parts, text).map(Some);
    }
    match parts.uri.query().filter(|q| q.contains("X-Amz-Algorithm=") || q.contains("X-Amz-Signature=")) {
        Some(query) => from_query(parts, query).map(Some),
        None => Ok(None),
    }
}

fn from_header(parts: &Parts, text: &str) -> Result<Signature, Fault> {
    let Some(fields) = text.strip_prefix(ALGORITHM) else {
        return Err(Fault::Malformed(
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.".to_owned(),
        ));
    };
    let (mut credential, mut headers, mut signature) = (None, None, None);
    for field in fields.split(',') {
        match field.trim().split_once('=') {
            Some(("Credential", value)) => credential = Some(value),
            Some(("SignedHeaders", value)) => headers = Some(value),
            Some(("Signature", value)) => signature = Some(value),
            _ => {}
        }
    }
    let need = |field: Option<&str>, name: &str| {
        let missing =
            || Fault::Malformed(format!("Authorization header requires '{name}' parameter. Authorization={ALGORITHM}"));
        field.map(str::to_owned).filter(|f| !f.is_empty()).ok_or_else(missing)
    };
    let (access_key, scope) = credential_scope(&need(credential, "Credential")?)?;
    let date = parts.headers.get("x-amz-date").or_else(|| parts.headers.get(http::header::DATE));
    let time = date.and_then(|v| v.to_str().ok()).and_then(request_time).ok_or_else(|| {
        Fault::Malformed(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned(),
        )
    })?;
    Ok(Signature {
        access_key,
        scope,
        signed_headers: split_headers(&need(headers, "SignedHeaders")?),
        session_token: header_token(parts),
        payload: PayloadHash::read(parts)?,
        time,
        expires_secs: None,
        signature: need(signature, "Signature")?,
    })
}

/// `X-Amz-Date`'s form, or any that HTTP allows in `Date`.
fn request_time(text: &str) -> Option<Timestamp> {
    time::parse_compact(text).or_else(|| time::parse(text, crate::model::TimeFormat::Rfc822))
}

fn from_query(parts: &Parts, query: &str) -> Result<Signature, Fault> {
    let bad = |what: &str| Fault::Malformed(format!("Query-string authentication requires a valid {what} parameter."));
    let pairs = uri::pairs(query).map_err(|_| bad("X-Amz-Signature"))?;
    let find = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let need = |name: &str| find(name).filter(|v| !v.is_empty()).ok_or_else(|| bad(name));
    if need("X-Amz-Algorithm")? != ALGORITHM {
        return Err(Fault::Malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"".to_owned()));
    }
    let (access_key, scope) = credential_scope(need("X-Amz-Credential")?)?;
    let expires: i64 = need("X-Amz-Expires")?.parse().map_err(|_| bad("X-Amz-Expires"))?;
    if !(0..=MAX_EXPIRES_SECS).contains(&expires) {
        return Err(Fault::Malformed(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds"
                .to_owned(),
        ));
    }
    let payload = match PayloadHash::read(parts)? {
        PayloadHash::OfBody if scope.service.starts_with("s3") => PayloadHash::Unsigned,
        payload => payload,
    };
    Ok(Signature {
        access_key,
        scope,
        signed_headers: split_headers(need("X-Amz-SignedHeaders")?),
        session_token: find("X-Amz-Security-Token").map(str::to_owned).or_else(|| header_token(parts)),
        payload,
        time: time::parse_compact(need("X-Amz-Date")?).ok_or_else(|| bad("X-Amz-Date"))?,
        expires_secs: Some(expires),
        signature: need("X-Amz-Signature")?.to_owned(),
    })
}

fn credential_scope(text: &str) -> Result<(String, CredentialScope), Fault> {
    let bad = || {
        Fault::Malformed(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{text}'"
        ))
    };
    let mut parts = text.split('/');
    let mut next = || parts.next().filter(|p| !p.is_empty()).map(str::to_owned).ok_or_else(bad);
    let (access_key, date, region, service, term) = (next()?, next()?, next()?, next()?, next()?);
    if parts.next().is_some() || term != "aws4_request" || date.len() != 8 {
        return Err(bad());
    }
    Ok((access_key, CredentialScope { date, region, service }))
}

fn split_headers(text: &str) -> Vec<String> {
    text.split(';').filter(|h| !h.is_empty()).map(str::to_ascii_lowercase).collect()
}

fn header_token(parts: &Parts) -> Option<String> {
    parts.headers.get("x-amz-security-token").and_then(|v| v.to_str().ok()).map(str::to_owned)
}
