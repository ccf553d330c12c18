//! What clients say, and how: protocols, models, routing, signatures.
//!
//! A request's way: [`route`] finds the operation, [`sigv4::parse`] and [`sigv4::verify`] say whose it is, [`decode`]
//! gives the input in canonical JSON; [`encode`] writes the output or the error. This crate does no I/O and knows
//! nothing of what a service does: the published models drive it.
//!
//! Canonical JSON: member names exactly as in the model; blobs are base64; times are RFC 3339; what is absent is
//! missing.

mod cbor;
mod decode;
mod encode;
mod error;
mod model;
mod route;
pub mod sigv4;
mod time;
pub mod uri;
mod validate;

pub use decode::{decode, decode_unchecked};
pub use encode::{encode, refuse};
pub use model::{Models, Operation, Protocol, Service, models};
pub use route::{AwsHost, Call, EndpointHosts, aws_host, has_streaming_input, has_streaming_output, route, wants_form};
