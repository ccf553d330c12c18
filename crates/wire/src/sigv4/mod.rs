//! Signature Version 4: of headers, of query strings, of streamed chunks, and of git's passwords.

mod body;
mod canonical;
mod fault;
mod framing;
mod git;
mod key;
mod parse;
mod sign;
mod verify;

pub use body::{BodyReader, Trailers};
pub use fault::Fault;
pub use git::{GitUser, git_password, git_password_verify, git_user};
pub use parse::{CredentialScope, PayloadHash, Signature, parse};
pub use sign::{Credentials, Payload, Target, presign, sign};
pub use verify::{Verified, verify};

/// How far a client's clock may be off, in seconds.
pub const MAX_SKEW_SECS: i64 = 15 * 60;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The hash of nothing.
pub(crate) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
