//! What a rule reports.

use std::fmt;

/// One breach of a rule: where, what, and how to mend it.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// Path from the workspace's root.
    pub path: String,
    /// Counted from 1; 0 when the finding is about the whole file.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub mend: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path)?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " {}\n    mend: {}", self.message, self.mend)
    }
}
