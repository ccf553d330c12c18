//! What an access key id stands for.

use std::sync::atomic::{AtomicI64, Ordering};

use base::{AccountId, ApiError, Partition, Secret, Timestamp};

use crate::Principal;

/// A key with everything that authentication needs.
#[derive(Debug)]
pub struct Credential {
    pub access_key: String,
    pub secret: Secret<String>,
    /// The account that calls with this key act in.
    pub account: AccountId,
    pub owner: Owner,
    /// Whether the key is `Active`.
    pub active: bool,
    /// Present for temporary credentials.
    pub session: Option<SessionPart>,
    /// When a use was written down last, in microseconds since 1970.
    pub(super) use_noted: AtomicI64,
}

/// Who owns a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    Root,
    User { id: String, path: String, name: String },
    RoleSession { role_id: String, role: String, session: String },
}

/// What temporary credentials have beside key and secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPart {
    /// SHA-256 of the token, in hexadecimal.
    pub token_hash: String,
    pub expires: Timestamp,
}

/// Why a key that was found is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialRefusal {
    /// No such key, an inactive one, or one whose session token is missing or wrong.
    Invalid,
    /// Its time is over.
    Expired,
}

/// Uses are written down at most this often per key.
const NOTE_EVERY_MICROS: i64 = 300 * 1_000_000;

impl Credential {
    /// Checks status, session token and expiry. The signature is checked elsewhere, with `secret`.
    pub fn check(&self, session_token: Option<&str>, now: Timestamp) -> Result<(), CredentialRefusal> {
        let token_fits = match (&self.session, session_token) {
            (None, None) => true,
            (Some(session), Some(token)) => aws_lc_rs::constant_time::verify_slices_are_equal(
                super::names::sha256_hex(token).as_bytes(),
                session.token_hash.as_bytes(),
            )
            .is_ok(),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if !self.active || !token_fits {
            return Err(CredentialRefusal::Invalid);
        }
        match &self.session {
            Some(session) if session.expires <= now => Err(CredentialRefusal::Expired),
            _ => Ok(()),
        }
    }

    /// Who calls with this key.
    pub fn principal(&self, partition: Partition) -> Principal {
        let account = &self.account;
        let (arn, user_id) = match &self.owner {
            Owner::Root => (format!("arn:{partition}:iam::{account}:root"), account.to_string()),
            Owner::User { id, path, name } => (format!("arn:{partition}:iam::{account}:user{path}{name}"), id.clone()),
            Owner::RoleSession { role_id, role, session } => (
                format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}"),
                format!("{role_id}:{session}"),
            ),
        };
        Principal { arn, user_id, access_key: Some(self.access_key.clone()), rights: None }
    }

    /// Whether a use now should be written down; says so once per interval.
    pub fn use_is_news(&self, now: Timestamp) -> bool {
        let noted = self.use_noted.load(Ordering::Relaxed);
        self.session.is_none()
            && now.micros() - noted >= NOTE_EVERY_MICROS
            && self.use_noted.compare_exchange(noted, now.micros(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl CredentialRefusal {
    /// The error as `service` words it.
    pub fn for_service(self, service: &str) -> ApiError {
        const INVALID: &str = "The security token included in the request is invalid.";
        const EXPIRED: &str = "The security token included in the request is expired";
        let (code, message, status) = match (self, service) {
            (CredentialRefusal::Invalid, "s3") => {
                ("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.", 403)
            }
            (CredentialRefusal::Expired, "s3") => ("ExpiredToken", "The provided token has expired.", 400),
            (CredentialRefusal::Invalid, "sts" | "iam" | "cloudformation" | "sns") => {
                ("InvalidClientTokenId", INVALID, 403)
            }
            (CredentialRefusal::Expired, "sts" | "iam" | "cloudformation" | "sns") => ("ExpiredToken", EXPIRED, 403),
            (CredentialRefusal::Invalid, _) => ("UnrecognizedClientException", INVALID, 400),
            (CredentialRefusal::Expired, _) => ("ExpiredTokenException", EXPIRED, 400),
        };
        ApiError::new(code, message).with_status(status)
    }
}
