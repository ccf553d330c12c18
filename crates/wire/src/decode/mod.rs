//! From bytes to canonical JSON.

mod cbor;
mod json;
mod query;
mod request;
mod rest;
mod scalar;
mod xml;

pub(crate) use request::inflate;
pub use request::{decode, decode_unchecked};
