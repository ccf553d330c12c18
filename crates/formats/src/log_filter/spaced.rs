//! Space-delimited patterns: `[ip, user, ..., status=4*, bytes > 1000]`.

use super::LogFilterError;
use super::expression::{self, Check, Expr, skip_and_take};
use super::scan::Scan;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spaced {
    before: Vec<Field>,
    /// The fields after `...`, counted from the message's end.
    after: Option<Vec<Field>>,
}

/// A field's condition, if it has one.
type Field = Option<Expr<()>>;

pub(super) fn parse(text: &str) -> Result<Spaced, LogFilterError> {
    let mut scan = Scan::new(text);
    scan.next();
    let mut spaced = Spaced { before: Vec::new(), after: None };
    loop {
        scan.skip_space();
        if scan.take("...") {
            if spaced.after.is_some() {
                return Err(scan.error("'...' stands twice"));
            }
            spaced.after = Some(Vec::new());
        } else {
            let field = field(&mut scan)?;
            spaced.after.as_mut().unwrap_or(&mut spaced.before).push(field);
        }
        scan.skip_space();
        match scan.next() {
            Some(',') => {}
            Some(']') => break,
            _ => return Err(scan.error("',' or ']' is missing")),
        }
    }
    scan.skip_space();
    if scan.peek().is_some() { Err(scan.error("something follows the closing bracket")) } else { Ok(spaced) }
}

fn name(scan: &mut Scan) -> String {
    scan.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | ':' | '#'))
}

fn field(scan: &mut Scan) -> Result<Field, LogFilterError> {
    scan.skip_space();
    let parenthesis = scan.peek() == Some('(');
    if !parenthesis {
        let first = name(scan);
        if first.is_empty() {
            return Err(scan.error("a field's name is missing"));
        }
        scan.skip_space();
        if matches!(scan.peek(), Some(',' | ']') | None) {
            return Ok(None);
        }
        let mut tests = Expr::Test((), expression::check(scan)?);
        // Conditions of one field speak of that field, whatever name they use.
        loop {
            let join: fn(Vec<Expr<()>>) -> Expr<()> = if skip_and_take(scan, "&&") {
                Expr::And
            } else if skip_and_take(scan, "||") {
                Expr::Or
            } else {
                return Ok(Some(tests));
            };
            scan.skip_space();
            name(scan);
            tests = join(vec![tests, Expr::Test((), expression::check(scan)?)]);
        }
    }
    let selector = |scan: &mut Scan| {
        scan.skip_space();
        name(scan);
        Ok(())
    };
    expression::parse(scan, &selector, 0).map(Some)
}

impl Spaced {
    pub(super) fn matches(&self, message: &str) -> bool {
        let words = words(message);
        let holds = |field: &Field, word: &String| field.as_ref().is_none_or(|e| e.holds(&|(), c| fits(word, c)));
        let Some(after) = &self.after else {
            return words.len() == self.before.len() && self.before.iter().zip(&words).all(|(f, w)| holds(f, w));
        };
        words.len() >= self.before.len() + after.len()
            && self.before.iter().zip(&words).all(|(f, w)| holds(f, w))
            && after.iter().rev().zip(words.iter().rev()).all(|(f, w)| holds(f, w))
    }
}

fn fits(word: &str, check: &Check) -> bool {
    match check {
        Check::Compare(comparison, operand) => comparison.holds(word, word.parse().ok(), operand),
        Check::IsTrue => word == "true",
        Check::IsFalse => word == "false",
        Check::IsNull | Check::NotExists => word == "-",
        Check::Exists => true,
    }
}

/// Words between spaces; `"..."` and `[...]` are one word each.
fn words(message: &str) -> Vec<String> {
    let mut scan = Scan::new(message);
    let mut out = Vec::new();
    loop {
        scan.skip_space();
        let close = match scan.peek() {
            None => return out,
            Some('"') => '"',
            Some('[') => ']',
            Some(_) => {
                out.push(scan.take_while(|c| !c.is_whitespace()));
                continue;
            }
        };
        scan.next();
        out.push(scan.take_while(|c| c != close));
        scan.next();
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogFilter;

    const LINE: &str = r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#;

    fn matches(pattern: &str) -> bool {
        LogFilter::parse(pattern).unwrap().matches(LINE)
    }

    #[test]
    fn fields_are_matched_by_their_place() {
        assert!(matches("[ip, env, user, time, request, status=4*, bytes>1000]"));
        assert!(!matches("[ip, env, user, time, request, status=5*, bytes]"));
        assert!(!matches("[ip, env]"));
    }

    #[test]
    fn an_ellipsis_stands_for_any_number_of_fields() {
        assert!(matches("[..., request=*index.html*, status, bytes]"));
        assert!(matches("[ip=127*, ..., bytes < 2000]"));
        assert!(matches("[ip, ..., status = 404 || status = 500, bytes]"));
        assert!(!matches("[ip=10*, ...]"));
    }

    #[test]
    fn broken_field_patterns_are_refused() {
        for bad in ["[", "[a,", "[a=]", "[..., ...]", "[a] b"] {
            assert!(LogFilter::parse(bad).is_err(), "{bad}");
        }
    }
}
