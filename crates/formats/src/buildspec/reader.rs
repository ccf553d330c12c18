//! Reads nodes as what a key wants, and notes what is wrong.

use crate::yaml::{Node, Value};
use crate::{Diagnostic, Diagnostics, Span};

/// Collects findings while the parts of a file are read.
#[derive(Default)]
pub(super) struct Reader {
    pub found: Diagnostics,
}

impl Reader {
    pub fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.found.push(Diagnostic::error(code, span, message));
    }

    pub fn warning(&mut self, code: &'static str, span: Span, message: impl Into<String>) {
        self.found.push(Diagnostic::warning(code, span, message));
    }

    /// Complains unless the node is a mapping.
    pub fn is_mapping(&mut self, what: &str, node: &Node) -> bool {
        if node.as_mapping().is_none() {
            self.error("B001", node.span, format!("{what} must be a mapping, not {}", node.kind()));
        }
        node.as_mapping().is_some()
    }

    /// A single value that is not null.
    pub fn text(&mut self, key: &str, node: &Node) -> Option<String> {
        match node.as_text() {
            Some(_) if node.is_null() => None,
            Some(text) => Some(text.to_owned()),
            None => {
                self.error("B001", node.span, format!("'{key}' must be a single value, not {}", node.kind()));
                None
            }
        }
    }

    /// A yes or no; absent and null are no.
    pub fn flag(&mut self, key: &str, node: Option<&Node>) -> bool {
        let Some(node) = node.filter(|n| !n.is_null()) else { return false };
        match node.as_bool() {
            Some(value) => value,
            None => {
                self.error("B001", node.span, format!("'{key}' must be yes or no"));
                false
            }
        }
    }

    /// A text that may be absent.
    pub fn optional(&mut self, key: &str, node: &Node) -> Option<String> {
        let value = node.get(key)?;
        self.text(key, value)
    }

    /// The name of a Linux user, or its number.
    pub fn user(&mut self, node: Option<&Node>) -> Option<String> {
        let node = node?;
        let name = self.text("run-as", node)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '@' | '\\');
        if name.is_empty() || name.starts_with('-') || !name.chars().all(fits) {
            let found = Diagnostic::error("B026", node.span, format!("'{name}' is not the name of a Linux user"));
            self.found.push(found.with_help("give one name, without blanks, as in /etc/passwd"));
            return None;
        }
        Some(name)
    }

    /// A list of single values; one value stands for a list of one, nulls for nothing.
    pub fn list(&mut self, key: &str, node: Option<&Node>) -> Vec<String> {
        let Some(node) = node else { return Vec::new() };
        match &node.value {
            Value::Scalar { .. } if node.is_null() => Vec::new(),
            Value::Scalar { text, .. } => vec![text.clone()],
            Value::Sequence(items) => items.iter().filter_map(|item| self.text(key, item)).collect(),
            Value::Mapping(_) => {
                self.error("B001", node.span, format!("'{key}' must be a list, not a mapping"));
                Vec::new()
            }
        }
    }

    /// The entries of a mapping with keys as text; null is an empty mapping.
    pub fn entries<'n>(&mut self, key: &str, node: Option<&'n Node>) -> Vec<(&'n str, &'n Node, &'n Node)> {
        let Some(node) = node.filter(|n| !n.is_null()) else { return Vec::new() };
        match node.as_mapping() {
            Some(entries) => entries.iter().map(|(k, v)| (k.as_text().unwrap_or_default(), k, v)).collect(),
            None => {
                self.error("B001", node.span, format!("'{key}' must be a mapping, not {}", node.kind()));
                Vec::new()
            }
        }
    }

    /// Warns of keys that nobody reads.
    pub fn unknown_keys(&mut self, place: &str, node: &Node, known: &[&str]) {
        for (key, _) in node.as_mapping().unwrap_or_default() {
            let name = key.as_text().unwrap_or_default();
            if !known.contains(&name) {
                let message = format!("key '{name}' in {place} is not known and has no effect");
                self.found
                    .push(Diagnostic::warning("B003", key.span, message).with_nearest(name, known.iter().copied()));
            }
        }
    }
}
