//! Words and limits of the signature.

/// How far a client's clock may be off, in seconds.
pub const MAX_SKEW_SECS: i64 = 15 * 60;

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The hash of nothing.
pub(super) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
