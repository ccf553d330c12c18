//! Why a request is not accepted as its sender's.

use base::{ApiError, Timestamp};

use crate::model::Protocol;
use crate::time;

/// What is wrong with a signature, or with a body that was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The operation is not for everybody, and the request bears no signature.
    #[error("the request is not signed")]
    Missing,
    /// The signature's parts cannot be read.
    #[error("the signature is malformed: {0}")]
    Malformed(String),
    /// Nobody has this access key.
    #[error("the access key {0} is not known")]
    UnknownKey(String),
    /// The session token is not the one that belongs to the access key.
    #[error("the session token is not valid")]
    BadToken,
    /// The session token was valid once.
    #[error("the session token has expired")]
    ExpiredToken,
    /// The signature is not what the secret gives.
    #[error("the signature does not match")]
    Mismatch {
        /// The key named in the request.
        access_key: String,
        /// What the client sent, in hex.
        provided: String,
        /// What we computed from.
        string_to_sign: String,
        /// What we computed from.
        canonical_request: String,
    },
    /// The signature was made for another service.
    #[error("the signature is for {signed} and not for {wanted}")]
    WrongService {
        /// The service that the request goes to.
        wanted: String,
        /// The one in the credential's scope.
        signed: String,
    },
    /// The request's time is too far from ours.
    #[error("the request's time {request} is too far from the server's {server}")]
    Skewed {
        /// When the request says that it was signed.
        request: Timestamp,
        /// Our time.
        server: Timestamp,
    },
    /// The presigned URL is too old.
    #[error("the presigned URL has expired at {expired}")]
    PresignExpired {
        /// Its last moment.
        expired: Timestamp,
        /// Our time.
        server: Timestamp,
        /// The validity that it was made with.
        seconds: i64,
    },
    /// `x-amz-*` headers that the signature does not cover.
    #[error("headers are not signed: {0}")]
    UnsignedHeaders(String),
    /// The body is not the one that was signed.
    #[error("the body's hash does not match")]
    ContentHash {
        /// From the request, in hex.
        client: String,
        /// From the body, in hex.
        computed: String,
    },
    /// A chunk's or the trailer's signature is wrong.
    #[error("a chunk's signature does not match")]
    ChunkSignature,
    /// The chunks' framing is broken.
    #[error("the chunked body is malformed: {0}")]
    BadFraming(&'static str),
    /// The body ended too early, or was longer than announced.
    #[error("the body does not have the announced length")]
    Incomplete,
    /// A checksum in a header or trailer is not the body's.
    #[error("the {0} checksum does not match")]
    Checksum(&'static str),
}

const DOES_NOT_MATCH: &str = "The request signature we calculated does not match the signature you provided. Check your \
     AWS Secret Access Key and signing method. Consult the service documentation for details.";
const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

impl Fault {
    /// The error in the words of the protocol's family: query services, JSON services, or S3.
    pub fn error(&self, protocol: Protocol) -> ApiError {
        match protocol {
            Protocol::RestXml => self.s3(),
            Protocol::Query => {
                let (code, message) = self.general();
                ApiError::new(code.0, message).with_status(403)
            }
            Protocol::RestJson => {
                let (code, message) = self.general();
                ApiError::new(code.1, message).with_status(403)
            }
            Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor => {
                let (code, message) = self.general();
                ApiError::new(code.1, message).with_status(400)
            }
        }
    }

    /// The codes of query services and of JSON services, and the message.
    fn general(&self) -> ((&'static str, &'static str), String) {
        let mismatch = ("SignatureDoesNotMatch", "InvalidSignatureException");
        match self {
            Fault::Missing => (
                ("MissingAuthenticationToken", "MissingAuthenticationTokenException"),
                "Request is missing Authentication Token".to_owned(),
            ),
            Fault::Malformed(why) => (("IncompleteSignature", "IncompleteSignatureException"), why.clone()),
            Fault::UnknownKey(_) | Fault::BadToken => {
                (("InvalidClientTokenId", "UnrecognizedClientException"), INVALID_TOKEN.to_owned())
            }
            Fault::ExpiredToken => (
                ("ExpiredToken", "ExpiredTokenException"),
                "The security token included in the request is expired".to_owned(),
            ),
            Fault::Skewed { request, server } => (mismatch, skew_message(*request, *server)),
            Fault::PresignExpired { expired, server, .. } => (mismatch, skew_message(*expired, *server)),
            Fault::WrongService { wanted, .. } => {
                (mismatch, format!("Credential should be scoped to correct service: '{wanted}'."))
            }
            Fault::UnsignedHeaders(names) => {
                (mismatch, format!("There were headers present in the request which were not signed: {names}"))
            }
            Fault::Mismatch { .. }
            | Fault::ContentHash { .. }
            | Fault::ChunkSignature
            | Fault::BadFraming(_)
            | Fault::Incomplete
            | Fault::Checksum(_) => (mismatch, DOES_NOT_MATCH.to_owned()),
        }
    }

    fn s3(&self) -> ApiError {
        match self {
            Fault::Missing => ApiError::new("AccessDenied", "Access Denied").with_status(403),
            Fault::Malformed(why) => ApiError::new("AuthorizationHeaderMalformed", why.clone()).with_status(400),
            Fault::WrongService { wanted, signed } => ApiError::new(
                "AuthorizationHeaderMalformed",
                format!(
                    "The authorization header is malformed; incorrect service \"{signed}\". This endpoint belongs to \
                     \"{wanted}\"."
                ),
            )
            .with_status(400),
            Fault::UnknownKey(key) => {
                ApiError::new("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
                    .with_status(403)
                    .with_member("AWSAccessKeyId", key.as_str())
            }
            Fault::BadToken => {
                ApiError::new("InvalidToken", "The provided token is malformed or otherwise invalid.").with_status(400)
            }
            Fault::ExpiredToken => ApiError::new("ExpiredToken", "The provided token has expired.").with_status(400),
            Fault::Mismatch { access_key, provided, string_to_sign, canonical_request } => ApiError::new(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method.",
            )
            .with_status(403)
            .with_member("AWSAccessKeyId", access_key.as_str())
            .with_member("SignatureProvided", provided.as_str())
            .with_member("StringToSign", string_to_sign.as_str())
            .with_member("CanonicalRequest", canonical_request.as_str()),
            Fault::ChunkSignature => ApiError::new(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and \
                 signing method.",
            )
            .with_status(403),
            Fault::Skewed { request, server } => ApiError::new(
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            )
            .with_status(403)
            .with_member("RequestTime", time::compact(*request))
            .with_member("ServerTime", time::iso8601(*server, false))
            .with_member("MaxAllowedSkewMilliseconds", super::MAX_SKEW_SECS * 1000),
            Fault::PresignExpired { expired, server, seconds } => ApiError::new("AccessDenied", "Request has expired")
                .with_status(403)
                .with_member("X-Amz-Expires", *seconds)
                .with_member("Expires", time::iso8601(*expired, false))
                .with_member("ServerTime", time::iso8601(*server, false)),
            Fault::UnsignedHeaders(names) => {
                ApiError::new("AccessDenied", "There were headers present in the request which were not signed")
                    .with_status(403)
                    .with_member("HeadersNotSigned", names.as_str())
            }
            Fault::ContentHash { client, computed } => ApiError::new(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
            .with_status(400)
            .with_member("ClientComputedContentSHA256", client.as_str())
            .with_member("S3ComputedContentSHA256", computed.as_str()),
            Fault::BadFraming(why) => {
                ApiError::new("InvalidRequest", format!("The chunked body is malformed: {why}.")).with_status(400)
            }
            Fault::Incomplete => ApiError::new(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length HTTP header.",
            )
            .with_status(400),
            Fault::Checksum(algorithm) => ApiError::new(
                "BadDigest",
                format!("The {algorithm} you specified did not match the calculated checksum."),
            )
            .with_status(400),
        }
    }
}

fn skew_message(request: Timestamp, server: Timestamp) -> String {
    let window = std::time::Duration::from_secs(super::MAX_SKEW_SECS.unsigned_abs());
    let (at, now) = (time::compact(request), time::compact(server));
    if request < server {
        format!("Signature expired: {at} is now earlier than {} ({now} - 15 min.)", time::compact(server - window))
    } else {
        format!(
            "Signature not yet current: {at} is still later than {} ({now} + 15 min.)",
            time::compact(server + window)
        )
    }
}
