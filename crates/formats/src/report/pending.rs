//! A test case whose element is still open.

use super::cases::{CaseStatus, TestCase};

/// More of a message is not gathered, in bytes.
const MAX_TEXT: usize = 64 << 10;

/// A test case in the making.
#[derive(Debug)]
pub(super) struct Pending {
    pub name: String,
    pub prefix: String,
    pub suite: String,
    pub status: CaseStatus,
    pub duration_nanos: u64,
    message: String,
    text: String,
}

impl Pending {
    pub fn new(name: String, prefix: String, suite: String) -> Self {
        Pending {
            name,
            prefix,
            suite,
            status: CaseStatus::Succeeded,
            duration_nanos: 0,
            message: String::new(),
            text: String::new(),
        }
    }

    /// What went wrong, in a line.
    pub fn message(&mut self, message: &str) {
        append(&mut self.message, message);
    }

    /// What went wrong, at length.
    pub fn text(&mut self, text: &str) {
        append(&mut self.text, text);
    }

    pub fn done(self) -> TestCase {
        let (message, text) = (self.message.trim(), self.text.trim());
        // Tools often repeat the line at the head of the stack trace.
        let message = match (message.is_empty(), text.is_empty()) {
            (true, _) => text.to_owned(),
            (false, true) => message.to_owned(),
            (false, false) if text.contains(message) => text.to_owned(),
            (false, false) => format!("{message}\n{text}"),
        };
        TestCase {
            name: self.name,
            prefix: self.prefix,
            suite: self.suite,
            status: self.status,
            duration_nanos: self.duration_nanos,
            message,
            file: String::new(),
        }
    }
}

fn append(to: &mut String, text: &str) {
    if to.len() < MAX_TEXT {
        to.push_str(text);
    }
}

/// Splits `a.b.C.d(1.5)` into `a.b.C` and `d(1.5)`.
pub(super) fn split_name(full: &str) -> (String, String) {
    let head = full.find('(').map_or(full, |at| full.get(..at).unwrap_or(full));
    match head.rfind('.') {
        Some(at) => (full.get(..at).unwrap_or_default().to_owned(), full.get(at + 1..).unwrap_or_default().to_owned()),
        None => (String::new(), full.to_owned()),
    }
}
