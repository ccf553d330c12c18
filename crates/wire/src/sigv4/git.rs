//! The passwords that `aws codecommit credential-helper` and git-remote-codecommit make.
//!
//! The user name is the access key, with `%` and the session token where there is one. The password is the time, a
//! `Z` and a signature over the method `GIT`, the repository's path and the host; it has no line for a payload.

use base::Timestamp;

use super::key::{SigningKey, sha256_hex};
use super::{ALGORITHM, Fault, MAX_SKEW_SECS};
use crate::time;

/// A user name of git's, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitUser<'a> {
    /// `AKIA...`.
    pub access_key: &'a str,
    /// Belongs to temporary credentials.
    pub session_token: Option<&'a str>,
}

/// Takes a user name apart.
pub fn git_user(user: &str) -> GitUser<'_> {
    match user.split_once('%') {
        Some((access_key, token)) => GitUser { access_key, session_token: Some(token) },
        None => GitUser { access_key: user, session_token: None },
    }
}

/// The password for a repository's path (`/v1/repos/NAME`).
pub fn git_password(secret: &str, region: &str, host: &str, path: &str, now: Timestamp) -> String {
    let stamp = time::compact(now);
    let stamp = stamp.trim_end_matches('Z');
    let (key, text) = to_sign(secret, region, host, path, stamp);
    format!("{stamp}Z{}", key.sign(&text))
}

/// Checks a password; gives back the region that it was made for, one of `regions`.
///
/// Clients disagree whether the host has its port and the path its `.git`: each form is tried.
pub fn git_password_verify<'a>(
    password: &str,
    secret: &str,
    regions: &[&'a str],
    host: &str,
    path: &str,
    now: Timestamp,
) -> Result<&'a str, Fault> {
    let malformed = || Fault::Malformed("The password is not of the credential helper's form.".to_owned());
    let (stamp, signature) = password.split_once('Z').ok_or_else(malformed)?;
    let made = time::parse_compact(&format!("{stamp}Z")).ok_or_else(malformed)?;
    if (now.secs() - made.secs()).abs() > MAX_SKEW_SECS {
        return Err(Fault::Skewed { request: made, server: now });
    }
    let bare_host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare_path = path.trim_end_matches('/');
    let bare_path = bare_path.strip_suffix(".git").unwrap_or(bare_path);
    let paths = [bare_path.to_owned(), format!("{bare_path}.git"), format!("{bare_path}/")];
    for region in regions {
        for host in [bare_host, host] {
            for path in &paths {
                let (key, text) = to_sign(secret, region, host, path, stamp);
                if key.verify(&text, signature) {
                    return Ok(region);
                }
            }
        }
    }
    Err(Fault::Mismatch {
        access_key: String::new(),
        provided: signature.to_owned(),
        string_to_sign: String::new(),
        canonical_request: String::new(),
    })
}

fn to_sign(secret: &str, region: &str, host: &str, path: &str, stamp: &str) -> (SigningKey, String) {
    let date = stamp.get(..8).unwrap_or_default();
    let canonical = format!("GIT\n{path}\n\nhost:{host}\n\nhost\n");
    let scope = format!("{date}/{region}/codecommit/aws4_request");
    let text = format!("{ALGORITHM}\n{stamp}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
    (SigningKey::of(secret, date, region, "codecommit"), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_good_for_its_repository_and_fifteen_minutes() {
        let now = Timestamp::from_secs(1_700_000_000);
        let password = git_password("secret", "eu-west-1", "git.example", "/v1/repos/demo", now);
        let check = |host: &str, path: &str, secret: &str, at: Timestamp| {
            git_password_verify(&password, secret, &["us-east-1", "eu-west-1"], host, path, at)
        };
        assert_eq!(check("git.example:8443", "/v1/repos/demo.git", "secret", now), Ok("eu-west-1"));
        assert!(matches!(check("git.example", "/v1/repos/other", "secret", now), Err(Fault::Mismatch { .. })));
        assert!(matches!(check("git.example", "/v1/repos/demo", "wrong", now), Err(Fault::Mismatch { .. })));
        let later = now + std::time::Duration::from_secs(901);
        assert!(matches!(check("git.example", "/v1/repos/demo", "secret", later), Err(Fault::Skewed { .. })));
        assert_eq!(git_user("ASIA%tok%en"), GitUser { access_key: "ASIA", session_token: Some("tok%en") });
    }
}
