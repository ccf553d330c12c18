//! Signature Version 4: of headers, of query strings, of streamed chunks, and of git's passwords.

mod body;
mod canonical;
mod fault;
mod framing;
mod git;
mod key;
mod parse;
mod presigned_v2;
mod sign;
mod terms;
mod verify;

pub use body::{BodyReader, Trailers};
pub use fault::Fault;
pub use git::{GitUser, git_password, git_password_verify, git_user};
pub use parse::{CredentialScope, PayloadHash, Signature, parse};
pub use presigned_v2::PresignedV2;
pub use sign::{Credentials, Payload, Target, presign, sign};
pub use terms::MAX_SKEW_SECS;
use terms::{ALGORITHM, EMPTY_SHA256};
pub use verify::{Verified, check_service, verify};
