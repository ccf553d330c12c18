//! Files in, values and diagnostics out.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod buildspec;
mod corpus;
mod pipeline;
mod report;
