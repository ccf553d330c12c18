//! Signing keys and HMACs.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::{OnceLock, PoisonError, RwLock};

use aws_lc_rs::{digest, hmac};

/// A cache larger than this is emptied: keys change once a day.
const MAX_CACHED: usize = 4096;

/// The key of a day, region and service.
#[derive(Clone)]
pub(super) struct SigningKey(hmac::Key);

struct Cached {
    secret: String,
    date: String,
    region: String,
    service: String,
    key: SigningKey,
}

fn cache() -> &'static (RandomState, RwLock<HashMap<u64, Cached>>) {
    static CACHE: OnceLock<(RandomState, RwLock<HashMap<u64, Cached>>)> = OnceLock::new();
    CACHE.get_or_init(|| (RandomState::new(), RwLock::default()))
}

impl SigningKey {
    /// The key, from the cache or made anew (four HMACs).
    pub(super) fn of(secret: &str, date: &str, region: &str, service: &str) -> SigningKey {
        let (hasher, keys) = cache();
        let hash = hasher.hash_one((secret, date, region, service));
        if let Some(c) = keys.read().unwrap_or_else(PoisonError::into_inner).get(&hash)
            && c.secret == secret
            && c.date == date
            && c.region == region
            && c.service == service
        {
            return c.key.clone();
        }
        let key = SigningKey::derive(secret, date, region, service);
        let mut keys = keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_CACHED {
            keys.clear();
        }
        let cached = Cached {
            secret: secret.to_owned(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            key: key.clone(),
        };
        keys.insert(hash, cached);
        key
    }

    fn derive(secret: &str, date: &str, region: &str, service: &str) -> SigningKey {
        let mut key = hmac(format!("AWS4{secret}").as_bytes(), date.as_bytes());
        for part in [region, service, "aws4_request"] {
            key = hmac(key.as_ref(), part.as_bytes());
        }
        SigningKey(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// The signature of a text, in hex.
    pub(super) fn sign(&self, text: &str) -> String {
        hex::encode(hmac::sign(&self.0, text.as_bytes()))
    }

    /// Compares in constant time.
    pub(super) fn verify(&self, text: &str, signature_hex: &str) -> bool {
        hex::decode(signature_hex).is_ok_and(|s| hmac::verify(&self.0, text.as_bytes(), &s).is_ok())
    }
}

fn hmac(key: &[u8], data: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data)
}

/// SHA-256 in hex.
pub(super) fn sha256_hex(data: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_key_is_derived() {
        // The worked example of AWS's documentation.
        let key = SigningKey::of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam");
        let text = "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n\
                    f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59";
        let signature = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        assert_eq!(key.sign(text), signature);
        assert!(key.verify(text, signature));
        assert!(!key.verify(text, "5d672d79"));
        assert!(!key.verify(text, "zz"));
    }
}
