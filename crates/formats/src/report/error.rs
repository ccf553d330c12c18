//! Why a report file gives no report.

use std::io;

use crate::{Diagnostic, Span};

/// Why a file could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The file is not what it should be.
    Invalid(Diagnostic),
    /// The disk failed.
    Io(io::Error),
}

/// What a format's reader objects to; the place is added by whoever knows it.
#[derive(Debug)]
pub(super) struct Fault {
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    /// The file is of another format.
    pub fn format(message: impl Into<String>) -> Self {
        Fault { code: "R002", message: message.into(), help: None }
    }

    /// The file is larger than what is read.
    pub fn limit(message: impl Into<String>) -> Self {
        Fault { code: "R003", message: message.into(), help: None }
    }

    /// Says how to mend it.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The fault with its place.
    pub fn at(self, span: Span) -> ReadError {
        let Fault { code, message, help } = self;
        let found = Diagnostic::error(code, span, message);
        ReadError::Invalid(match help {
            Some(help) => found.with_help(help),
            None => found,
        })
    }
}

/// The file is not well-formed.
pub(super) fn malformed(span: Span, message: impl Into<String>) -> ReadError {
    ReadError::Invalid(Diagnostic::error("R001", span, message))
}

/// What is carried through readers that know only `io::Error`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct TooLarge(pub &'static str);

impl TooLarge {
    pub fn into_io(self) -> io::Error {
        io::Error::other(self)
    }
}

/// A failed read: the user's when a limit was hit, ours otherwise.
pub(super) fn from_io(span: Span, e: io::Error) -> ReadError {
    match e.get_ref().and_then(|inner| inner.downcast_ref::<TooLarge>()) {
        Some(TooLarge(why)) => Fault::limit(*why).at(span),
        None => ReadError::Io(e),
    }
}
