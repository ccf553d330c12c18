//! Patterns of plain terms: `ERROR "exact phrase" -excluded` and `?either ?or`.

use super::LogFilterError;
use super::scan::Scan;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Terms {
    required: Vec<String>,
    any: Vec<String>,
    excluded: Vec<String>,
}

pub(super) fn parse(text: &str) -> Result<Terms, LogFilterError> {
    let mut scan = Scan::new(text);
    let mut terms = Terms::default();
    loop {
        scan.skip_space();
        let Some(first) = scan.peek() else { break };
        let list = match first {
            '-' => &mut terms.excluded,
            '?' => &mut terms.any,
            '%' => return Err(LogFilterError::Regex),
            _ => &mut terms.required,
        };
        if matches!(first, '-' | '?') {
            scan.next();
        }
        let term = if scan.take("\"") { scan.quoted('"')? } else { scan.take_while(|c| !c.is_whitespace()) };
        if term.starts_with('%') {
            return Err(LogFilterError::Regex);
        }
        if term.is_empty() {
            return Err(scan.error("a term is empty"));
        }
        list.push(term);
    }
    // AWS ignores `?` terms beside required or excluded ones.
    if !terms.required.is_empty() || !terms.excluded.is_empty() {
        terms.any.clear();
    }
    Ok(terms)
}

impl Terms {
    pub(super) fn matches(&self, message: &str) -> bool {
        self.required.iter().all(|t| message.contains(t))
            && !self.excluded.iter().any(|t| message.contains(t))
            && (self.any.is_empty() || self.any.iter().any(|t| message.contains(t)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogFilter;

    fn matches(pattern: &str, message: &str) -> bool {
        LogFilter::parse(pattern).unwrap().matches(message)
    }

    #[test]
    fn all_plain_terms_must_be_there_and_the_case_counts() {
        assert!(matches("ERROR 401", "[ERROR 401] UNAUTHORIZED"));
        assert!(!matches("ERROR 402", "[ERROR 401] UNAUTHORIZED"));
        assert!(!matches("error", "ERROR"));
    }

    #[test]
    fn quotes_keep_a_phrase_and_escapes() {
        assert!(matches(r#""INTERNAL SERVER""#, "an INTERNAL SERVER ERROR"));
        assert!(!matches(r#""SERVER INTERNAL""#, "an INTERNAL SERVER ERROR"));
        assert!(matches(r#""say \"hi\"""#, r#"say "hi""#));
    }

    #[test]
    fn optional_terms_need_one_and_excluded_terms_none() {
        assert!(matches("?ERROR ?WARN", "WARN x"));
        assert!(!matches("?ERROR ?WARN", "INFO x"));
        assert!(matches("ERROR -EXITING", "ERROR x"));
        assert!(!matches("ERROR -EXITING", "ERROR EXITING"));
        assert!(matches("ERROR ?ARGUMENTS", "ERROR x"));
    }

    #[test]
    fn bad_patterns_are_refused_with_their_place() {
        let refused = |p: &str| LogFilter::parse(p).unwrap_err().to_string();
        assert_eq!(refused("a \"open"), "Invalid filter pattern: a quote is not closed at character 8");
        assert!(refused("%a+%").contains("regular expressions"));
        assert!(refused("a -").contains("empty"));
    }
}
