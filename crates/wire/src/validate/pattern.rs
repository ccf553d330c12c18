//! The models' regular expressions, which are Java's, matched with Rust's engine.

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;

use crate::model::PatternText;

/// A compiled pattern. AWS matches whole values.
#[derive(Debug)]
pub(crate) struct Pattern(Option<Regex>);

impl Pattern {
    /// The compiled form, made on first use. A pattern that our engine does not know (look-around) lets everything pass:
    /// services state such rules again in their own words.
    pub(crate) fn of(text: &PatternText) -> &Pattern {
        text.compiled.get_or_init(|| Pattern(compile(&text.text)))
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.0.as_ref().is_none_or(|r| r.is_match(text))
    }

    #[cfg(test)]
    fn is_known(&self) -> bool {
        self.0.is_some()
    }
}

fn compile(text: &str) -> Option<Regex> {
    // Lazy automata would cost far more memory than they save time on names and ARNs.
    let config = Config::new().nfa_size_limit(Some(4 << 20)).hybrid(false).dfa(false).onepass(false);
    Regex::builder()
        .configure(config)
        .syntax(syntax::Config::new().nest_limit(64))
        .build(&format!(r"\A(?:{})\z", translate(text)))
        .ok()
}

/// Java's `\w`, `\d`, `\s` mean ASCII; some of its escapes have other names.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut in_class = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let Some(escaped) = chars.next() else { break };
                let ascii = match escaped {
                    'w' => Some("_0-9A-Za-z"),
                    'd' => Some("0-9"),
                    's' => Some(r"\t\n\x0B\x0C\r "),
                    _ => None,
                };
                match (ascii, escaped) {
                    (Some(set), _) if in_class => {
                        out.push_str(set);
                        // After a set, a dash is a dash.
                        if chars.peek() == Some(&'-') {
                            chars.next();
                            out.push_str(r"\-");
                        }
                    }
                    (Some(set), _) => out.extend(["[", set, "]"]),
                    (None, 'S') if !in_class => out.push_str(r"[^\t\n\x0B\x0C\r ]"),
                    (None, 'W') if !in_class => out.push_str("[^_0-9A-Za-z]"),
                    (None, 'b') if !in_class => out.push_str(r"(?-u:\b)"),
                    (None, 'p') if text_follows(&chars, "{IsWhitespace}") => {
                        chars.nth("{IsWhitespace}".len() - 1);
                        out.push_str(r"\s");
                    }
                    (None, other) => out.extend(['\\', other]),
                }
            }
            '[' if in_class => out.push_str(r"\["),
            '[' => {
                in_class = true;
                out.push('[');
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

fn text_follows(chars: &std::iter::Peekable<std::str::Chars<'_>>, text: &str) -> bool {
    let mut rest = chars.clone();
    text.chars().all(|c| rest.next() == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Models, models};

    fn matches(pattern: &str, text: &str) -> bool {
        let pattern = Pattern(compile(pattern));
        assert!(pattern.is_known());
        pattern.matches(text)
    }

    #[test]
    fn patterns_match_whole_values_in_ascii() {
        assert!(matches(r"[\w\.-]+", "my.repo-1"));
        assert!(!matches(r"[\w\.-]+", "my repo"));
        assert!(!matches(r"[\w\.-]+", "größe"));
        assert!(matches(r"^string|integer$", "integer"));
        assert!(!matches(r"^string|integer$", "integers"));
        assert!(matches(r"[^\x00-\x1F\x7F]+", "a b"));
        assert!(matches(r"[\w-\/.@+=,]{1,17}", "a-/."));
        assert!(matches(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+", "größe 1"));
    }

    #[test]
    fn almost_every_published_pattern_is_known() {
        let mut unknown = std::collections::BTreeSet::new();
        let mut all = 0;
        for service in models().services().filter_map(|s| models().service(s)) {
            for text in service.shapes().patterns() {
                all += 1;
                if compile(text).is_none() {
                    unknown.insert(format!("{}: {text}", service.name()));
                }
            }
        }
        assert!(all > 400);
        assert!(unknown.len() <= 12, "{} of {all}: {unknown:#?}", unknown.len());
        assert_eq!(Models::all().len(), models().services().count());
    }
}
