//! JSON patterns: `{ ($.user.id = 1) && ($.errors[0].code != "x*") }`.

use serde_json::Value;

use super::LogFilterError;
use super::expression::{self, Check, Expr, skip_and_take};
use super::scan::Scan;

/// A path from the root of the message.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Selector(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Name(String),
    Index(usize),
    Any,
}

pub(super) fn parse(text: &str) -> Result<Expr<Selector>, LogFilterError> {
    let mut scan = Scan::new(text);
    scan.next();
    let expr = expression::parse(&mut scan, &selector, 0)?;
    if !skip_and_take(&mut scan, "}") {
        return Err(scan.error("'}' is missing"));
    }
    scan.skip_space();
    if scan.peek().is_some() {
        return Err(scan.error("something follows the closing brace"));
    }
    Ok(expr)
}

fn selector(scan: &mut Scan) -> Result<Selector, LogFilterError> {
    if !skip_and_take(scan, "$") {
        return Err(scan.error("a selector that begins with '$' is missing"));
    }
    let mut parts = Vec::new();
    loop {
        if scan.take("[") {
            parts.push(bracket(scan)?);
        } else if scan.take(".") {
            if scan.peek() == Some('[') {
                continue;
            }
            let name = scan.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | ':' | '#' | '/'));
            parts.push(match name.as_str() {
                "" if scan.take("*") => Part::Any,
                "" => return Err(scan.error("a member's name is missing")),
                _ => Part::Name(name),
            });
        } else {
            break;
        }
    }
    if parts.is_empty() { Err(scan.error("a member's name is missing")) } else { Ok(Selector(parts)) }
}

fn bracket(scan: &mut Scan) -> Result<Part, LogFilterError> {
    let part = match scan.peek() {
        Some(quote @ ('"' | '\'')) => {
            scan.next();
            Part::Name(scan.quoted(quote)?)
        }
        Some('*') => {
            scan.next();
            Part::Any
        }
        _ => {
            let digits = scan.take_while(|c| c.is_ascii_digit());
            Part::Index(digits.parse().map_err(|_| scan.error("an index is missing"))?)
        }
    };
    if scan.take("]") { Ok(part) } else { Err(scan.error("']' is missing")) }
}

impl Selector {
    pub(super) fn holds(&self, root: &Value, check: &Check) -> bool {
        let mut found = vec![root];
        for part in &self.0 {
            found = found.into_iter().flat_map(|v| part.pick(v)).collect();
        }
        match check {
            Check::Exists => !found.is_empty(),
            Check::NotExists => found.is_empty(),
            Check::IsTrue => found.iter().any(|v| **v == Value::Bool(true)),
            Check::IsFalse => found.iter().any(|v| **v == Value::Bool(false)),
            Check::IsNull => found.iter().any(|v| v.is_null()),
            Check::Compare(comparison, operand) => found.iter().any(|value| match value {
                Value::String(s) => comparison.holds(s, s.parse().ok(), operand),
                Value::Number(n) => comparison.holds(&n.to_string(), n.as_f64(), operand),
                Value::Bool(b) => comparison.holds(if *b { "true" } else { "false" }, None, operand),
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            }),
        }
    }
}

impl Part {
    fn pick<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Part::Name(name), Value::Object(map)) => map.get(name).into_iter().collect(),
            (Part::Index(at), Value::Array(list)) => list.get(*at).into_iter().collect(),
            (Part::Any, Value::Array(list)) => list.iter().collect(),
            (Part::Any, Value::Object(map)) => map.values().collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogFilter;

    const EVENT: &str = r#"{"eventType":"UpdateTrail","n":-7.5,"ok":true,"none":null,"user":{"id":1,
        "email":"John.Doe@example.com"},"errors":[{"code":"E1"},{"code":"E2"}],"ip":"10.1.2.3"}"#;

    fn matches(pattern: &str) -> bool {
        LogFilter::parse(pattern).unwrap().matches(EVENT)
    }

    #[test]
    fn members_are_compared_as_text_and_as_numbers() {
        assert!(matches(r#"{ $.eventType = "UpdateTrail" }"#));
        assert!(matches("{ $.eventType = UpdateTrail }"));
        assert!(matches("{ $.ip = 10.1.* }"));
        assert!(matches("{$.n<-7}"));
        assert!(!matches("{ $.n >= 0 }"));
        assert!(matches("{ $.user.id != 2 }"));
        assert!(matches(r#"{ $.errors[1].code = "E2" }"#));
        assert!(matches(r#"{ $.errors[*].code = "E2" }"#));
    }

    #[test]
    fn tests_join_with_and_or_and_parentheses() {
        assert!(matches(r#"{ ($.user.id = 1) && ($.user.email = "John.*") }"#));
        assert!(matches("{ ($.user.id = 9 || $.n = -7.5) && $.ok IS TRUE }"));
        assert!(!matches("{ $.user.id = 9 || $.n = 3 }"));
    }

    #[test]
    fn presence_and_kinds_can_be_asked() {
        assert!(matches("{ $.none IS NULL }"));
        assert!(matches("{ $.missing NOT EXISTS }"));
        assert!(!matches("{ $.n NOT EXISTS }"));
        assert!(!LogFilter::parse("{ $.a = 1 }").unwrap().matches("not json"));
    }

    #[test]
    fn broken_json_patterns_are_refused() {
        for bad in ["{ }", "{ $.a }", "{ $.a = }", "{ $.a = 1", "{ a = 1 }", "{ $.a < x }", "{ ($.a = 1 }", "{$.a=1} x"]
        {
            assert!(LogFilter::parse(bad).is_err(), "{bad}");
        }
        assert!(LogFilter::parse(&format!("{{ {}", "(".repeat(900))).is_err());
    }
}
