//! `cargo xtask bench`: measures a real server process against its aims and, in the same call, the same work on peers.
//!
//! Everything runs on the loopback address, is bounded in count and time, and ends what it started. The load generator
//! uses threads and blocking sockets: on a machine with two cores whatever it burns is missing to the server.

mod client;
mod figures;
mod host;
mod load;
mod peers;
mod plan;
mod process;
mod request;
mod table;

pub use plan::{Arguments, run};
