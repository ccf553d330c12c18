//! Values that are encrypted before they reach the database.
//!
//! AES-256-GCM under a key of the installation, which lies in a file beside the database and never in it: whoever has
//! a copy of the database alone has no secrets. What a value belongs to (table, account, name, version) goes in as
//! associated data, so that a sealed value that is moved to another row does not open.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base::{ApiError, Secret};

/// The first byte of a sealed value; another form would get another.
const FORM: u8 = 1;
/// Bytes that tell which key sealed a value.
const NAME_LEN: usize = 4;

/// The key of an installation.
pub struct SealingKey {
    key: RandomizedNonceKey,
    tokens: hmac::Key,
    /// The first bytes of the key's SHA-256: enough to tell keys apart, no help in finding one.
    name: [u8; NAME_LEN],
}

/// Why a sealed value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("it was sealed under another installation key: bring the file installation-key back into the data folder")]
    OtherKey,
    #[error("it is damaged, or was sealed for another row")]
    Damaged,
}

impl SealingKey {
    /// The key's length in bytes.
    pub const LEN: usize = 32;

    /// From the key's bytes.
    pub fn new(bytes: &[u8; Self::LEN]) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes);
        let key = key.unwrap_or_else(|_| unreachable!("the length is that of the algorithm"));
        let mut name = [0; NAME_LEN];
        for (to, from) in name.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
            *to = *from;
        }
        // One key for one purpose.
        let tokens = hmac::sign(&hmac::Key::new(HMAC_SHA256, bytes), b"headworks tokens");
        SealingKey { key, tokens: hmac::Key::new(HMAC_SHA256, tokens.as_ref()), name }
    }

    /// Encrypts `plain` for the row that `identity` names.
    pub fn seal(&self, identity: &[&str], plain: &[u8]) -> Result<Vec<u8>, ApiError> {
        let mut content = plain.to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::from(associated(identity)), &mut content);
        let nonce = nonce.map_err(ApiError::internal)?;
        Ok([&[FORM], &self.name[..], nonce.as_ref(), &content].concat())
    }

    /// A token that only this installation can make for `identity`: the same each time, and kept nowhere.
    pub fn token(&self, identity: &[&str]) -> Secret<String> {
        Secret::new(hex::encode(hmac::sign(&self.tokens, &associated(identity))))
    }

    /// Decrypts what [`SealingKey::seal`] gave for the same identity.
    pub fn open(&self, identity: &[&str], sealed: &[u8]) -> Result<Secret<Vec<u8>>, OpenError> {
        let rest = sealed.strip_prefix(&[FORM]).ok_or(OpenError::Damaged)?;
        let (name, rest) = rest.split_at_checked(NAME_LEN).ok_or(OpenError::Damaged)?;
        if name != self.name {
            return Err(OpenError::OtherKey);
        }
        let (nonce, content) = rest.split_at_checked(NONCE_LEN).ok_or(OpenError::Damaged)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError::Damaged)?;
        let mut content = content.to_vec();
        let plain = self.key.open_in_place(nonce, Aad::from(associated(identity)), &mut content);
        let len = plain.map_err(|_| OpenError::Damaged)?.len();
        content.truncate(len);
        Ok(Secret::new(content))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(****)")
    }
}

/// Each part with its length before it, so that no two identities give the same bytes.
fn associated(identity: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in identity {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_for_its_own_row_alone() {
        let key = SealingKey::new(&[7; 32]);
        let sealed = key.seal(&["ssm", "a", "bc"], b"hunter2").unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"hunter2"));
        assert_eq!(key.open(&["ssm", "a", "bc"], &sealed).unwrap().expose(), b"hunter2");
        assert_eq!(key.open(&["ssm", "ab", "c"], &sealed).unwrap_err(), OpenError::Damaged);
        assert_ne!(key.seal(&["ssm", "a", "bc"], b"hunter2").unwrap(), sealed, "each sealing has a nonce of its own");
    }

    #[test]
    fn tokens_tell_installations_and_identities_apart() {
        let key = SealingKey::new(&[7; 32]);
        assert_eq!(key.token(&["a", "b"]), SealingKey::new(&[7; 32]).token(&["a", "b"]));
        assert_ne!(key.token(&["a", "b"]), key.token(&["ab"]));
        assert_ne!(key.token(&["a"]), SealingKey::new(&[8; 32]).token(&["a"]));
    }

    #[test]
    fn another_key_and_damage_are_told_apart() {
        let key = SealingKey::new(&[7; 32]);
        let sealed = key.seal(&["x"], b"").unwrap();
        assert_eq!(SealingKey::new(&[8; 32]).open(&["x"], &sealed).unwrap_err(), OpenError::OtherKey);
        for end in 0..sealed.len() {
            assert!(key.open(&["x"], &sealed[..end]).is_err());
        }
        for i in 0..sealed.len() {
            let mut other = sealed.clone();
            other[i] ^= 1;
            assert!(key.open(&["x"], &other).is_err(), "byte {i}");
        }
    }
}
