//! The wire as clients meet it.

mod botocore;
mod decoders;
mod python;
mod signatures;
