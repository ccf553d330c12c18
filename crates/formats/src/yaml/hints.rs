//! From the parser's words to what a person can do about it.

use crate::{Diagnostic, Span};

/// Longer values are not repeated in a message.
const MAX_SHOWN: usize = 80;

/// Adds the mend to a syntax error, where the line shows one of the usual slips.
pub(super) fn explain(text: &str, error: Diagnostic) -> Diagnostic {
    let error = explain_tab(text, error);
    if error.help.is_some() || !matches!(error.code, "Y001" | "Y005") {
        return error;
    }
    // The parser notices some mistakes a line late.
    let at = error.span.line.max(1) as usize - 1;
    let lines = text.lines().skip(at.saturating_sub(1)).take(if at == 0 { 1 } else { 2 });
    let lines: Vec<&str> = lines.collect();
    let hint = lines.iter().rev().find_map(|line| of_line(line)).or_else(|| of_message(&error.message));
    match hint {
        Some(hint) => error.with_help(hint),
        None => error,
    }
}

fn of_line(line: &str) -> Option<String> {
    let value = value_of(line);
    let first = value.chars().next()?;
    if value.chars().count() > MAX_SHOWN {
        return None;
    }
    let quoted = || format!("'{}'", value.replace('\'', "''"));
    match first {
        '*' | '@' | '`' | '%' => {
            Some(format!("a value that begins with {first} must not stand bare; put it in quotes: {}", quoted()))
        }
        '&' | '!' if !value.contains(' ') => None,
        '"' | '\'' => {
            let rest = value.get(1..)?;
            let end = rest.find(first)?;
            let after = rest.get(end + 1..)?.trim();
            let goes_on = !after.is_empty() && !after.starts_with(['#', ':', ',', ']', '}']);
            goes_on.then(|| format!("text goes on after the closing quote; put all of it in quotes: {}", quoted()))
        }
        _ => None,
    }
}

/// What follows `- ` and `key: `.
fn value_of(line: &str) -> &str {
    let mut value = line.trim();
    while let Some(rest) = value.strip_prefix("- ") {
        value = rest.trim_start();
    }
    if value.starts_with(['"', '\'', '*', '@', '`', '%']) {
        return value;
    }
    value.split_once(": ").map_or(value, |(_, rest)| rest.trim_start())
}

fn of_message(message: &str) -> Option<String> {
    let has = |part: &str| message.contains(part);
    let hint = if has("mapping values are not allowed") || has("mapping keys are not allowed") {
        "a colon before a blank makes it a mapping: put the whole value in quotes, and look at the indentation"
    } else if has("quoted scalar") || has("unclosed") || has("end of stream") {
        "a quote or a bracket that opens before does not end"
    } else if has("block") || has("simple key") || has("document start") || has("indent") {
        "look at the indentation here and in the lines before: keys of one mapping begin in the same column"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// A tab in the indentation is the most common mistake and gives the least helpful parser messages, often at
/// another line: name it where it stands.
fn explain_tab(text: &str, original: Diagnostic) -> Diagnostic {
    let in_indentation = |line: &str| {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..indentation).and_then(|head| head.find('\t'))
    };
    let near = text
        .lines()
        .enumerate()
        .take(original.span.line as usize)
        .filter_map(|(i, line)| in_indentation(line).filter(|_| !line.trim().is_empty()).map(|column| (i, column)));
    match near.last() {
        Some((line, column)) if original.code == "Y001" && original.span.line as usize <= line + 3 => {
            let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
            let span = Span { line: number(line), column: number(column) };
            Diagnostic::error("Y001", span, "a tab stands in the indentation").with_help("indent with spaces")
        }
        _ => original,
    }
}
