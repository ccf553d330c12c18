//! The git crate with a real git client, over HTTP.

mod commits;
mod fetch;
mod push;
mod server;
