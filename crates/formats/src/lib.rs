//! Files that users write, read into typed values; every mistake becomes a [`Diagnostic`] with line and column. No I/O.

pub mod buildspec;
pub mod cloudformation;
mod code;
mod cron;
mod diagnostic;
pub mod event_input;
pub mod event_pattern;
pub mod log_filter;
mod nearest;
pub mod pipeline;
pub mod policy;
pub mod report;
pub mod schedule;
pub mod yaml;

pub use code::Code;
pub use diagnostic::{Diagnostic, Diagnostics, Severity, Span};
pub use nearest::nearest;
