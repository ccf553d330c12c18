//! Presigned URLs of the form before Signature Version 4, of S3 alone.
//!
//! boto3 and version 1 of `aws` still make them when the region is us-east-1, and S3 still takes them there
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html>).

use aws_lc_rs::hmac;
use base::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;

use super::Fault;
use crate::{Call, uri};

/// Query members that name or shape what is asked for; all others are not signed.
const SIGNED_MEMBERS: [&str; 38] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "encryption",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// A presigned URL's signature, not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresignedV2 {
    /// Whose it is said to be.
    pub access_key: String,
    /// Belongs to temporary credentials.
    pub session_token: Option<String>,
    expires: Timestamp,
    signature: String,
    members: Vec<(String, String)>,
}

impl PresignedV2 {
    /// Reads the signature; `None` when the request is not one to S3 that bears this kind.
    pub fn parse(parts: &Parts, call: &Call) -> Result<Option<PresignedV2>, Fault> {
        let query = parts.uri.query().unwrap_or_default();
        if call.service.name() != "s3" || !query.contains("AWSAccessKeyId=") {
            return Ok(None);
        }
        let bad = || {
            let why = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
            Fault::Malformed(why.to_owned())
        };
        let members = uri::pairs(query).map_err(|_| bad())?;
        let find = |name: &str| members.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let token = parts.headers.get("x-amz-security-token").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let seconds: i64 = find("Expires").and_then(|text| text.parse().ok()).ok_or_else(bad)?;
        Ok(Some(PresignedV2 {
            access_key: find("AWSAccessKeyId").ok_or_else(bad)?,
            session_token: find("x-amz-security-token").or(token),
            // Later than any clock, should it be absurd.
            expires: Timestamp::from_secs(seconds.clamp(0, 253_402_300_799)),
            signature: find("Signature").ok_or_else(bad)?,
            members,
        }))
    }

    /// Checks that whoever signed has the secret, and that the URL still holds.
    pub fn verify(&self, parts: &Parts, call: &Call, secret: &str, now: Timestamp) -> Result<(), Fault> {
        if now > self.expires {
            return Err(Fault::PresignExpired { expired: self.expires, server: now, seconds: 0 });
        }
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        let provided = STANDARD.decode(&self.signature).unwrap_or_default();
        let fits = |text: &str| hmac::verify(&key, text.as_bytes(), &provided).is_ok();
        let path = resource(parts, call);
        let text = self.string_to_sign(parts, &path);
        // A bucket by itself is signed with a slash at its end, whether it is sent with one or not.
        let slashed = || call.label("Key").is_none() && fits(&self.string_to_sign(parts, &format!("{path}/")));
        if fits(&text) || slashed() {
            return Ok(());
        }
        Err(Fault::Mismatch {
            access_key: self.access_key.clone(),
            provided: self.signature.clone(),
            string_to_sign: text,
            canonical_request: String::new(),
        })
    }

    fn string_to_sign(&self, parts: &Parts, resource: &str) -> String {
        // What a client would have sent as a header may stand in the URL instead.
        let value = |name: &str| {
            let header = parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
            let member = || self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
            header.or_else(member).unwrap_or_default()
        };
        let (md5, kind) = (value("content-md5"), value("content-type"));
        let mut text = format!("{}\n{md5}\n{kind}\n{}\n", parts.method, self.expires.secs());
        let headers = parts.headers.keys().map(|name| name.as_str());
        let mut names: Vec<&str> = headers
            .chain(self.members.iter().map(|(name, _)| name.as_str()))
            .filter(|name| name.starts_with("x-amz-"))
            .collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            text.push_str(&format!("{name}:{}\n", value(name).trim()));
        }
        text.push_str(resource);
        let mut signed: Vec<_> =
            self.members.iter().filter(|(name, _)| SIGNED_MEMBERS.contains(&name.as_str())).collect();
        signed.sort();
        for (i, (name, value)) in signed.into_iter().enumerate() {
            text.push(if i == 0 { '?' } else { '&' });
            text.push_str(name);
            if !value.is_empty() {
                text.push_str(&format!("={value}"));
            }
        }
        text
    }
}

/// The path, with the bucket before it when the host names that.
fn resource(parts: &Parts, call: &Call) -> String {
    let (path, bucket) = (parts.uri.path(), call.label("Bucket").unwrap_or_default());
    let decoded = uri::decode_bytes(path);
    let rest = decoded.strip_prefix(b"/").and_then(|p| p.strip_prefix(bucket.as_bytes()));
    let in_path = rest.is_some_and(|rest| match call.label("Key") {
        Some(key) => rest.strip_prefix(b"/") == Some(key.as_bytes()),
        None => rest.is_empty() || rest == b"/",
    });
    if bucket.is_empty() || in_path { path.to_owned() } else { format!("/{bucket}{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EndpointHosts;

    /// The example of AWS's documentation.
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    const QUERY: &str =
        "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620";

    fn check(host: &str, path: &str, query: &str, now: i64) -> Result<(), Fault> {
        let request = http::Request::get(format!("{path}?{query}")).header("host", host).body(()).unwrap();
        let parts = request.into_parts().0;
        let call = crate::route(&parts, &EndpointHosts::new(["127.0.0.1"]), None).unwrap();
        let presigned = PresignedV2::parse(&parts, &call).unwrap().unwrap();
        presigned.verify(&parts, &call, SECRET, Timestamp::from_secs(now))
    }

    #[test]
    fn the_published_example_holds_in_both_styles_of_address() {
        let now = 1_175_139_600;
        assert_eq!(check("johnsmith.s3.amazonaws.com", "/photos/puppy.jpg", QUERY, now), Ok(()));
        assert_eq!(check("127.0.0.1:4566", "/johnsmith/photos/puppy.jpg", QUERY, now), Ok(()));
    }

    #[test]
    fn an_expired_or_changed_url_is_refused() {
        let (path, now) = ("/johnsmith/photos/puppy.jpg", 1_175_139_600);
        assert!(matches!(check("127.0.0.1", path, QUERY, now + 60), Err(Fault::PresignExpired { .. })));
        let later = QUERY.replace("1175139620", "1175139999");
        let other_bucket = ("johnsmith.s3.amazonaws.com", "/johnsmith/photos/puppy.jpg");
        let version = format!("{QUERY}&versionId=1");
        for (host, path, query) in [
            ("127.0.0.1", path, later.as_str()),
            ("127.0.0.1", "/johnsmith/photos/kitten.jpg", QUERY),
            (other_bucket.0, other_bucket.1, QUERY),
            ("127.0.0.1", path, version.as_str()),
        ] {
            assert!(matches!(check(host, path, query, now), Err(Fault::Mismatch { .. })), "{host}{path}?{query}");
        }
    }
}
