//! The codes of all kinds of files.

use formats::pipeline::document;
use formats::{Code, buildspec};

/// The code's explanation.
pub(super) fn explain(code: &str) -> Option<&'static Code> {
    buildspec::explain(code).or_else(|| document::explain(code))
}

pub(super) fn all() -> impl Iterator<Item = &'static Code> {
    buildspec::CODES.iter().chain(document::CODES)
}
