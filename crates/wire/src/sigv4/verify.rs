//! Checks a signature.

use base::Timestamp;
use http::request::Parts;

use super::key::{SigningKey, sha256_hex};
use super::parse::{PayloadHash, Signature};
use super::{ALGORITHM, BodyReader, EMPTY_SHA256, Fault, MAX_SKEW_SECS, canonical};
use crate::time;

/// A signature that matches.
#[derive(Clone)]
pub struct Verified {
    pub(super) payload: PayloadHash,
    pub(super) chunks: Option<super::framing::ChunkSigner>,
}

impl Verified {
    /// A reader that takes the framing off a streamed body and checks what was signed of it.
    pub fn body_reader(&self, parts: &Parts) -> BodyReader {
        BodyReader::new(parts, self)
    }
}

/// Checks that whoever signed has the secret, and did so now.
///
/// `body` is the whole body where it is at hand, and then its hash is checked too. It must be given for all services
/// but S3, whose clients announce the hash in `x-amz-content-sha256`; there the stream goes through
/// [`Verified::body_reader`].
pub fn verify(
    signature: &Signature,
    parts: &Parts,
    body: Option<&[u8]>,
    secret: &str,
    now: Timestamp,
) -> Result<Verified, Fault> {
    check_time(signature, now)?;
    check_headers(signature, parts)?;
    let payload = payload_line(&signature.payload, body)?;
    let scope = signature.scope.text();
    let key = SigningKey::of(secret, &signature.scope.date, &signature.scope.region, &signature.scope.service);
    let service = &signature.scope.service;
    let amz_date = time::compact(signature.time);
    let mut attempts = Vec::with_capacity(2);
    for raw_path in [false, true] {
        let canonical = canonical::request(parts, service, &signature.signed_headers, &payload, raw_path);
        let text = format!("{ALGORITHM}\n{amz_date}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
        if key.verify(&text, &signature.signature) {
            let chunks = matches!(signature.payload, PayloadHash::SignedChunks { .. })
                .then(|| super::framing::ChunkSigner::new(key.clone(), amz_date, scope, signature.signature.clone()));
            let payload = match &signature.payload {
                // Nobody showed the body: the signature is that of an empty one, and so the body must be.
                PayloadHash::OfBody if body.is_none() => PayloadHash::Sha256(EMPTY_SHA256.to_owned()),
                payload => payload.clone(),
            };
            return Ok(Verified { payload, chunks });
        }
        // Clients differ in how they treat odd paths: some sign what they send, some its normal form.
        attempts.push((canonical, text));
    }
    attempts.truncate(1);
    let (canonical_request, string_to_sign) = attempts.pop().unwrap_or_default();
    Err(Fault::Mismatch {
        access_key: signature.access_key.clone(),
        provided: signature.signature.clone(),
        string_to_sign,
        canonical_request,
    })
}

/// Checks that the signature was made for `service` (its signing name). Without this, who holds a URL that was
/// presigned for one service could aim it at another by headers that signatures need not cover.
pub fn check_service(signature: &Signature, service: &str) -> Result<(), Fault> {
    let signed = &signature.scope.service;
    // S3's clients sign for its variants too (s3express).
    if signed == service || (service == "s3" && signed.starts_with("s3")) {
        return Ok(());
    }
    Err(Fault::WrongService { wanted: service.to_owned(), signed: signed.clone() })
}

fn check_time(signature: &Signature, now: Timestamp) -> Result<(), Fault> {
    let skewed = Fault::Skewed { request: signature.time, server: now };
    let age = now.secs() - signature.time.secs();
    match signature.expires_secs {
        Some(seconds) if age > seconds => {
            let expired = signature.time + std::time::Duration::from_secs(seconds.unsigned_abs());
            return Err(Fault::PresignExpired { expired, server: now, seconds });
        }
        None if age > MAX_SKEW_SECS => return Err(skewed),
        _ if age < -MAX_SKEW_SECS => return Err(skewed),
        _ => {}
    }
    if !time::compact(signature.time).starts_with(&signature.scope.date) {
        return Err(Fault::Malformed(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{}'.",
            signature.scope.date,
            time::compact(signature.time).get(..8).unwrap_or_default()
        )));
    }
    Ok(())
}

fn check_headers(signature: &Signature, parts: &Parts) -> Result<(), Fault> {
    let signed = |name: &str| signature.signed_headers.iter().any(|h| h == name);
    if !signed("host") && !signed(":authority") {
        return Err(Fault::Malformed(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
        ));
    }
    let unsigned: Vec<&str> =
        parts.headers.keys().map(|n| n.as_str()).filter(|n| n.starts_with("x-amz-") && !signed(n)).collect();
    // A presigned URL's content hash is what its receiver puts in: the signature says that it does not matter.
    let unsigned: Vec<&str> =
        unsigned.into_iter().filter(|n| signature.expires_secs.is_none() || *n != "x-amz-content-sha256").collect();
    if unsigned.is_empty() { Ok(()) } else { Err(Fault::UnsignedHeaders(unsigned.join(", "))) }
}

/// The last line of the canonical request.
fn payload_line(payload: &PayloadHash, body: Option<&[u8]>) -> Result<String, Fault> {
    Ok(match payload {
        PayloadHash::OfBody => match body {
            Some([]) | None => EMPTY_SHA256.to_owned(),
            Some(body) => sha256_hex(body),
        },
        PayloadHash::Sha256(expected) => {
            if let Some(body) = body {
                let computed = sha256_hex(body);
                if computed != *expected {
                    return Err(Fault::ContentHash { client: expected.clone(), computed });
                }
            }
            expected.clone()
        }
        PayloadHash::Unsigned => "UNSIGNED-PAYLOAD".to_owned(),
        PayloadHash::SignedChunks { trailer: false } => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned(),
        PayloadHash::SignedChunks { trailer: true } => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER".to_owned(),
        PayloadHash::UnsignedChunks => "STREAMING-UNSIGNED-PAYLOAD-TRAILER".to_owned(),
    })
}
