//! The wire as clients meet it.

#![expect(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself may")]

mod botocore;
mod decoders;
mod python;
mod signatures;
