//! `on-failure`: `ABORT`, `CONTINUE`, `RETRY`, `RETRY-count`, `RETRY-regex`, `RETRY-count-regex`.

use regex_automata::meta;

use super::reader::Reader;
use super::{OnFailure, Retry};
use crate::Diagnostic;
use crate::yaml::Node;

const WORDS: [&str; 3] = ["ABORT", "CONTINUE", "RETRY"];
/// A compiled pattern may take this much.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// AWS's own examples write `Retry-3-...`: the words are read in any case.
pub(super) fn on_failure(r: &mut Reader, node: &Node) -> Option<OnFailure> {
    let Some(text) = node.as_text() else {
        r.error("B014", node.span, format!("on-failure must be one of {}, not {}", WORDS.join(", "), node.kind()));
        return None;
    };
    let text = text.trim();
    let (word, rest) = match text.split_once('-') {
        Some((word, rest)) => (word, Some(rest)),
        None => (text, None),
    };
    match (word.to_ascii_uppercase().as_str(), rest) {
        ("ABORT", None) => Some(OnFailure::Abort),
        ("CONTINUE", None) => Some(OnFailure::Continue),
        ("RETRY", None) => Some(OnFailure::Retry(Retry { count: Retry::DEFAULT_COUNT, pattern: None })),
        ("RETRY", Some(rest)) => retry(r, node, rest).map(OnFailure::Retry),
        _ => {
            let message = format!("on-failure must be ABORT, CONTINUE, RETRY or RETRY-count-regex, not '{text}'");
            r.found.push(Diagnostic::error("B014", node.span, message).with_nearest(text, WORDS));
            None
        }
    }
}

fn retry(r: &mut Reader, node: &Node, rest: &str) -> Option<Retry> {
    let (first, pattern) = match rest.split_once('-') {
        Some((first, pattern)) => (first, Some(pattern)),
        None => (rest, None),
    };
    // Only digits are a count: `RETRY-5xx` asks for an error message.
    let is_count = !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit());
    let (count, pattern) = if is_count {
        match first.parse().ok().filter(|count| *count <= Retry::MAX_COUNT) {
            Some(count) => (count, pattern),
            None => {
                let message = format!("a phase is run again at most {} times, not {first} times", Retry::MAX_COUNT);
                r.error("B016", node.span, message);
                return None;
            }
        }
    } else {
        (Retry::DEFAULT_COUNT, Some(rest))
    };
    match pattern {
        Some("") => {
            let found = Diagnostic::error("B016", node.span, "a count or a pattern is missing after 'RETRY-'");
            r.found.push(found.with_help("write RETRY, RETRY-2 or RETRY-2-.*timed out.*"));
            None
        }
        Some(pattern) => match compiles(pattern) {
            Ok(()) => Some(Retry { count, pattern: Some(pattern.to_owned()) }),
            Err(why) => {
                r.error("B016", node.span, format!("the pattern '{pattern}' cannot be read: {why}"));
                None
            }
        },
        None => Some(Retry { count, pattern: None }),
    }
}

fn compiles(pattern: &str) -> Result<(), String> {
    let config = meta::Config::new().nfa_size_limit(Some(MAX_PATTERN_BYTES));
    match meta::Builder::new().configure(config).build(pattern) {
        Ok(_) => Ok(()),
        Err(error) => {
            let whole = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
            // The last line says what is wrong; those before it draw the pattern.
            let last = whole.lines().last().unwrap_or_default();
            Err(last.trim_start_matches("error: ").to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn read(text: &str) -> Result<OnFailure, String> {
        let mut reader = Reader::default();
        let (node, _) = yaml::parse(&format!("k: {text}")).unwrap();
        let found = on_failure(&mut reader, node.get("k").unwrap());
        found.ok_or_else(|| reader.found.into_sorted().into_iter().map(|d| d.message).collect())
    }

    fn retry(count: u32, pattern: Option<&str>) -> Result<OnFailure, String> {
        Ok(OnFailure::Retry(Retry { count, pattern: pattern.map(str::to_owned) }))
    }

    #[test]
    fn all_published_forms_are_read() {
        assert_eq!(read("ABORT"), Ok(OnFailure::Abort));
        assert_eq!(read("continue"), Ok(OnFailure::Continue));
        assert_eq!(read("RETRY"), retry(3, None));
        assert_eq!(read("RETRY-0"), retry(0, None));
        assert_eq!(read("RETRY-100"), retry(100, None));
        assert_eq!(
            read("'Retry-.*Error: Unable to connect to database.*'"),
            retry(3, Some(".*Error: Unable to connect to database.*"))
        );
        assert_eq!(read("Retry-3-.*connection timed out.*"), retry(3, Some(".*connection timed out.*")));
        assert_eq!(read("RETRY-invalid+"), retry(3, Some("invalid+")));
        assert_eq!(read("RETRY-8-a-b"), retry(8, Some("a-b")));
        assert_eq!(read("RETRY-5xx"), retry(3, Some("5xx")));
        assert_eq!(read("RETRY-exit-status"), retry(3, Some("exit-status")));
    }

    #[test]
    fn what_cannot_be_meant_says_why() {
        assert!(read("RETRY-101").unwrap_err().contains("at most 100 times"));
        assert!(read("RETRY-99999999999").unwrap_err().contains("at most 100 times"));
        assert!(read("RETRY-").unwrap_err().contains("missing"));
        assert!(read("RETRY-3-").unwrap_err().contains("missing"));
        assert!(read("RETRY-3-(").unwrap_err().contains("cannot be read: unclosed group"));
        assert!(read("RETRY-(a{1000}){1000}").unwrap_err().contains("cannot be read"));
        assert!(read("IGNORE").unwrap_err().contains("not 'IGNORE'"));
        assert!(read("[ABORT]").unwrap_err().contains("not a list"));
    }
}
