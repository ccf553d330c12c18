//! The HTTP side: connections, routes, and the way of an AWS request from bytes to an operation and back.

mod admin;
mod attach;
mod aws;
mod badge;
mod body;
mod credentials;
mod io;
mod listen;
mod payload;
mod places;
mod router;
mod webhook;

pub use listen::serve;
pub(crate) use payload::within;
pub use router::Server;
