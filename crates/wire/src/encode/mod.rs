//! From canonical JSON to bytes.

mod cbor;
mod error;
mod json;
mod response;
mod rest;
mod scalar;
mod xml;

pub use response::{encode, refuse};
