//! Security Token Service: who am I, and temporary credentials.
//!
//! Temporary credentials are rows, so they outlive a restart; of the session token only a hash is kept.

pub mod assume_role;
pub mod errors;
pub mod get_access_key_info;
pub mod get_caller_identity;
pub mod get_session_token;
mod issue;

#[cfg(test)]
mod tests;

pub use assume_role::{assume_role, check_assume_role};
pub use get_access_key_info::get_access_key_info;
pub use get_caller_identity::get_caller_identity;
pub use get_session_token::get_session_token;
pub use issue::{Credentials, ServiceSession, issue_for_service};
