//! What git sends to prove who it is.

use base::{AccountId, Region};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http::{HeaderMap, header};
use platform::{Cx, Principal};

/// A user name and password, and what a signature in the password may be over.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// As sent: an access key with or without `%` and a session token, or `NAME-at-ACCOUNT`.
    pub user: String,
    pub password: base::Secret<String>,
    /// The `Host` header, with its port if it has one.
    pub host: String,
    /// `/v1/repos/NAME`, with `.git` if the client wrote it.
    pub path: String,
    /// The repository's name.
    pub name: String,
}

/// Who it is.
#[derive(Clone, Debug)]
pub struct Identity {
    pub account: AccountId,
    /// The region that a signature was made for; other credentials have none.
    pub region: Option<Region>,
    pub principal: Principal,
}

/// Why not.
#[derive(Debug)]
pub enum Refused {
    /// The credentials are wrong or out of date; the text is for the person.
    Denied(String),
    /// We cannot tell.
    Failed(base::ApiError),
}

/// Checks credentials and decides what they allow.
pub trait GitAuthenticator: Send + Sync {
    /// Who this is.
    fn authenticate<'a>(&'a self, cx: &'a Cx, attempt: &'a Attempt) -> BoxFuture<'a, Result<Identity, Refused>>;

    /// Whether the caller of `cx` may do `action` (`codecommit:GitPull`, `codecommit:GitPush`) on this ARN.
    fn authorize<'a>(&'a self, cx: &'a Cx, action: &'a str, resource: &'a str) -> BoxFuture<'a, Result<(), Refused>>;
}

/// The user name and password in `Authorization: Basic`; `None` when there is no such header or it is malformed.
pub(super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The region in AWS's own host name for git.
pub(super) fn region_of_host(host: &str) -> Option<Region> {
    let host = host.split(':').next().unwrap_or_default();
    let rest = host.strip_prefix("git-codecommit.").or_else(|| host.strip_prefix("git-codecommit-fips."))?;
    let region = rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
    Region::parse(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_read_and_others_are_not() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            basic(&headers)
        };
        let encoded = STANDARD.encode("AKIA%to/k+en=:20240101T000000Zabc:def");
        let expected = ("AKIA%to/k+en=".to_owned(), "20240101T000000Zabc:def".to_owned());
        assert_eq!(read(&format!("Basic {encoded}")), Some(expected.clone()));
        assert_eq!(read(&format!("basic {encoded}")), Some(expected));
        for bad in ["Basic", "Basic %%%", "Bearer x", "Basic bm9jb2xvbg=="] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_amazons_git_hosts_name_a_region() {
        let region = |host| region_of_host(host).map(|r| r.as_str().to_owned());
        assert_eq!(region("git-codecommit.eu-west-1.amazonaws.com").as_deref(), Some("eu-west-1"));
        assert_eq!(region("git-codecommit-fips.us-east-1.amazonaws.com:443").as_deref(), Some("us-east-1"));
        assert_eq!(region("127.0.0.1:4566"), None);
        assert_eq!(region("git-codecommit.a.b.amazonaws.com"), None);
    }
}
