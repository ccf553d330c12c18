//! STS's error codes.

/// Every code that the operations use, beside the general ones.
pub const CODES: &[&str] = &["MalformedPolicyDocument", "PackedPolicyTooLarge"];
