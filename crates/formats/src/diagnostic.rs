//! What is wrong with a file, and where.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

const MAX_FINDINGS: usize = 1000;

/// Where something begins in a file: line and column count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    pub line: u32,
    pub column: u32,
}

impl Span {
    /// The first character of a file.
    pub const START: Span = Span { line: 1, column: 1 };
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used; something in it has no effect or is likely not what was meant.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// A letter for the format and a number (`B012`); never reused for another meaning.
    pub code: &'static str,
    pub severity: Severity,
    pub message: String,
    pub span: Span,
    /// The mend, when we know one.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding that makes the file unusable.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { code, severity: Severity::Error, message: message.into(), span, help: None }
    }

    /// A finding that the file can live with.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, span, message) }
    }

    /// Says how to mend it.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds "did you mean 'x'?" when one of `known` is near `name`.
    pub fn with_nearest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match crate::nearest(name, known) {
            Some(near) => self.with_help(format!("did you mean '{near}'?")),
            None => self,
        }
    }

    /// True when the file cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// One line, `file:line:column: error[code]: message; help`.
    pub fn in_file<'a>(&'a self, file: &'a str) -> impl fmt::Display + 'a {
        Line { file, diagnostic: self }
    }
}

struct Line<'a> {
    file: &'a str,
    diagnostic: &'a Diagnostic,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Diagnostic { code, severity, message, span, help } = self.diagnostic;
        let word = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (file, message) = (harmless(self.file), harmless(message));
        write!(f, "{file}:{}:{}: {word}[{code}]: {message}", span.line, span.column)?;
        match help {
            Some(help) => write!(f, "; {}", harmless(help)),
            None => Ok(()),
        }
    }
}

/// The text without what steers a terminal: a file may be anybody's.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_control() || c == '\n';
    match text.chars().all(is_plain) {
        true => Cow::Borrowed(text),
        false => {
            text.chars().map(|c| if is_plain(c) { c.to_string() } else { c.escape_default().to_string() }).collect()
        }
    }
}

/// All findings of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a finding. Beyond a thousand only the first error is added: nobody reads more, and a file may be made of
    /// mistakes.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.0.len() < MAX_FINDINGS || (diagnostic.is_error() && !self.has_errors()) {
            self.0.push(diagnostic);
        }
    }

    /// True when the file cannot be used.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(Diagnostic::is_error)
    }

    /// The findings, in the order of the file.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.0.sort_by_key(|d| d.span);
        self.0
    }
}
