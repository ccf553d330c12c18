//! What JSON and space-delimited patterns share: comparisons joined by `&&`, `||` and parentheses.

use super::LogFilterError;
use super::scan::Scan;

/// Deep enough for people, and safe for the stack.
const MAX_DEPTH: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr<S> {
    Test(S, Check),
    And(Vec<Expr<S>>),
    Or(Vec<Expr<S>>),
}

/// What is asked of a selected value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Check {
    Compare(Comparison, Operand),
    IsTrue,
    IsFalse,
    IsNull,
    Exists,
    NotExists,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A number is compared as a number; a text with `*` is a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Number(f64),
    Text(String),
}

impl<S> Expr<S> {
    pub(super) fn holds(&self, test: &dyn Fn(&S, &Check) -> bool) -> bool {
        match self {
            Expr::Test(selector, check) => test(selector, check),
            Expr::And(all) => all.iter().all(|e| e.holds(test)),
            Expr::Or(any) => any.iter().any(|e| e.holds(test)),
        }
    }
}

/// Parses an expression; `selector` reads what stands left of an operator.
pub(super) fn parse<S>(
    scan: &mut Scan,
    selector: &dyn Fn(&mut Scan) -> Result<S, LogFilterError>,
    depth: usize,
) -> Result<Expr<S>, LogFilterError> {
    let mut any = vec![conjunction(scan, selector, depth)?];
    while skip_and_take(scan, "||") {
        any.push(conjunction(scan, selector, depth)?);
    }
    Ok(single_or(any, Expr::Or))
}

fn conjunction<S>(
    scan: &mut Scan,
    selector: &dyn Fn(&mut Scan) -> Result<S, LogFilterError>,
    depth: usize,
) -> Result<Expr<S>, LogFilterError> {
    let mut all = vec![primary(scan, selector, depth)?];
    while skip_and_take(scan, "&&") {
        all.push(primary(scan, selector, depth)?);
    }
    Ok(single_or(all, Expr::And))
}

fn primary<S>(
    scan: &mut Scan,
    selector: &dyn Fn(&mut Scan) -> Result<S, LogFilterError>,
    depth: usize,
) -> Result<Expr<S>, LogFilterError> {
    if depth > MAX_DEPTH {
        return Err(scan.error("parentheses are too deep"));
    }
    if skip_and_take(scan, "(") {
        let inner = parse(scan, selector, depth + 1)?;
        return if skip_and_take(scan, ")") { Ok(inner) } else { Err(scan.error("')' is missing")) };
    }
    let selected = selector(scan)?;
    Ok(Expr::Test(selected, check(scan)?))
}

fn single_or<S>(mut list: Vec<Expr<S>>, join: fn(Vec<Expr<S>>) -> Expr<S>) -> Expr<S> {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        Some(last) => {
            list.push(last);
            join(list)
        }
        None => join(list),
    }
}

pub(super) fn skip_and_take(scan: &mut Scan, word: &str) -> bool {
    scan.skip_space();
    scan.take(word)
}

/// Reads an operator and what follows it.
pub(super) fn check(scan: &mut Scan) -> Result<Check, LogFilterError> {
    scan.skip_space();
    if scan.take_word("IS") {
        scan.skip_space();
        for (word, check) in [("TRUE", Check::IsTrue), ("FALSE", Check::IsFalse), ("NULL", Check::IsNull)] {
            if scan.take_word(word) {
                return Ok(check);
            }
        }
        return Err(scan.error("TRUE, FALSE or NULL is missing after IS"));
    }
    if scan.take_word("NOT") {
        scan.skip_space();
        return if scan.take_word("EXISTS") { Ok(Check::NotExists) } else { Err(scan.error("EXISTS is missing")) };
    }
    if scan.take_word("EXISTS") {
        return Ok(Check::Exists);
    }
    let operators = [
        ("!=", Comparison::NotEqual),
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("=", Comparison::Equal),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    let Some((_, comparison)) = operators.into_iter().find(|(word, _)| scan.take(word)) else {
        return Err(scan.error("an operator is missing"));
    };
    scan.skip_space();
    let operand = match scan.peek() {
        Some('%') => return Err(LogFilterError::Regex),
        Some('"') => {
            scan.next();
            Operand::Text(scan.quoted('"')?)
        }
        _ => {
            let word = scan.take_while(|c| !c.is_whitespace() && !matches!(c, '&' | '|' | ')' | '}' | ']' | ','));
            match word.parse::<f64>() {
                _ if word.is_empty() => return Err(scan.error("a value is missing")),
                Ok(number) if number.is_finite() => Operand::Number(number),
                _ => Operand::Text(word),
            }
        }
    };
    let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    if ordered && matches!(operand, Operand::Text(_)) {
        return Err(scan.error("a number is missing"));
    }
    Ok(Check::Compare(comparison, operand))
}

impl Comparison {
    /// Compares a text or number of the log with the operand.
    pub(super) fn holds(self, text: &str, number: Option<f64>, operand: &Operand) -> bool {
        match operand {
            Operand::Text(pattern) => match self {
                Comparison::Equal => wildcard(pattern, text),
                Comparison::NotEqual => !wildcard(pattern, text),
                Comparison::Less | Comparison::LessOrEqual | Comparison::Greater | Comparison::GreaterOrEqual => false,
            },
            Operand::Number(wanted) => {
                let Some(value) = number else { return self == Comparison::NotEqual };
                match self {
                    Comparison::Equal => value == *wanted,
                    Comparison::NotEqual => value != *wanted,
                    Comparison::Less => value < *wanted,
                    Comparison::LessOrEqual => value <= *wanted,
                    Comparison::Greater => value > *wanted,
                    Comparison::GreaterOrEqual => value >= *wanted,
                }
            }
        }
    }
}

/// `*` stands for any run of characters.
fn wildcard(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    true
}
