//! Identifiers, secrets and ARNs as IAM makes them.

use aws_lc_rs::digest;
use base::{Arn, Ids, Scope, Secret};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A unique id: `AIDA` (user), `AROA` (role), `ANPA` (policy), `ACCA` (service credential) and 17 characters.
pub(crate) fn unique_id(ids: &dyn Ids, prefix: &str) -> String {
    format!("{prefix}{}", ids.base32(17))
}

/// An access key id: `AKIA` (lasting) or `ASIA` (temporary) and 16 characters.
pub(crate) fn access_key_id(ids: &dyn Ids, prefix: &str) -> String {
    format!("{prefix}{}", ids.base32(16))
}

/// Forty characters.
pub(crate) fn secret_key(ids: &dyn Ids) -> Secret<String> {
    Secret::new(STANDARD.encode(ids.bytes(30)))
}

/// A session token; URL-safe, because git clients carry it inside a user name.
pub(crate) fn session_token(ids: &dyn Ids) -> Secret<String> {
    Secret::new(URL_SAFE_NO_PAD.encode(ids.bytes(96)))
}

/// A password for git over HTTPS.
pub(crate) fn service_password(ids: &dyn Ids) -> Secret<String> {
    Secret::new(STANDARD.encode(ids.bytes(33)))
}

pub(crate) fn sha256_hex(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// `kind` is `user`, `role` or `policy`; a path begins and ends with a slash.
pub(crate) fn arn(scope: &Scope, kind: &str, path: &str, name: &str) -> String {
    scope.global_arn("iam", format!("{kind}{path}{name}")).to_string()
}

/// Account and name in the ARN of a role or policy.
pub(crate) fn parse_arn(text: &str, kind: &str) -> Option<(String, String)> {
    let arn = Arn::parse(text).filter(|a| a.service == "iam" && a.region.is_empty())?;
    let rest = arn.resource.strip_prefix(kind)?.strip_prefix('/')?;
    let name = rest.rsplit('/').next().filter(|n| !n.is_empty())?;
    Some((arn.account, name.to_owned()))
}
