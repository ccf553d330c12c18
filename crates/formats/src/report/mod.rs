//! Reports that test and coverage tools write, read into test cases and covered lines.
//!
//! A report file is what a build made of other people's input, so it may be anything: of another format, cut off, or
//! hundreds of megabytes long. Files are read once and never held in memory: long texts are cut while they are read
//! (`thin_xml`, `thin_json`), test cases beyond the published limit are counted but not kept, and the lines of coverage
//! take eight bytes each up to a limit.
//!
//! Follows <https://docs.aws.amazon.com/codebuild/latest/userguide/test-reporting.html>.

mod cases;
mod clover;
mod cobertura;
mod coverage;
mod cucumber;
mod detect;
mod duration;
mod error;
mod format;
mod jacoco;
mod json;
mod junit;
mod lcov;
mod lines;
mod nunit;
mod nunit3;
mod pending;
mod read;
mod simplecov;
mod testng;
mod thin_json;
mod thin_xml;
mod trx;
mod xml;

pub use cases::{CaseStatus, MAX_CASES, TestCase, TestReport};
pub use coverage::{CoverageReport, CoverageTotals, FileCoverage};
pub use detect::detect;
pub use error::ReadError;
pub use format::{ReportFormat, ReportKind};
pub use read::{read_coverage, read_tests};
