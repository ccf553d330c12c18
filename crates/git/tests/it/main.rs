//! The git crate with a real git client, over HTTP.

#![expect(clippy::unwrap_used, reason = "a test that fails may panic")]

mod commits;
mod fetch;
mod push;
mod server;
mod working_copies;
