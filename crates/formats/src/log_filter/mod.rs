//! Filter patterns of CloudWatch Logs: terms, JSON patterns and space-delimited patterns.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
//!
//! Regular expressions (`%...%`) are refused by name. Terms are found anywhere in a message, as the case is.

mod expression;
mod filter;
mod json;
mod scan;
mod spaced;
mod terms;

pub use filter::{LogFilter, LogFilterError};
