//! Text that is settled when a template is deployed: the name of a resource, say.

use crate::Span;
use crate::yaml::{Node, Value};

/// Marks open text. It is no character, and no file that we read has it in a name.
const MARK: char = '\u{fdd0}';

/// The tag of a node that is open as a whole.
const TAG: &str = "!open";

/// What stands for the value of `expression`, equal for equal expressions.
pub fn open(expression: &str) -> String {
    format!("{MARK}{{{}}}", expression.replace('{', "(").replace('}', ")"))
}

/// Whether a part of the text is open.
pub fn is_open(text: &str) -> bool {
    text.contains(MARK)
}

/// The text as a person may read it.
pub fn readable(text: &str) -> String {
    text.replace(MARK, "$")
}

/// The text with a plain word for each open part, of letters, digits and hyphens.
pub fn worded(text: &str) -> String {
    let mut parts = text.split(MARK);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once('}').unwrap_or((part, ""));
        let letters = expression.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
        out.push_str(letters.collect::<String>().trim_matches('-'));
        out.push_str(rest);
    }
    out
}

pub(super) fn node(expression: &str, span: Span) -> Node {
    Node { value: Value::Scalar { text: open(expression), plain: false }, span, tag: Some(TAG.to_owned()) }
}

impl Node {
    /// Whether the node is what [`open`] made: nothing is known of it, not even its kind.
    pub fn is_open(&self) -> bool {
        self.tag.as_deref() == Some(TAG)
    }
}
