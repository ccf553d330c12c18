//! JSON paths of webhook filters: `$.a.b`, `$['a']["b"]`, `$.list[0]`, in any mixture. What selects more than one value
//! (wildcards, `..`, slices, filters) is refused: a filter compares one value.

use serde_json::Value;

/// A path to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Member(String),
    Item(usize),
}

impl JsonPath {
    /// Reads a path; the error completes "the JSON path ...".
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text.strip_prefix('$').ok_or("does not begin with $")?;
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (part, after) = match rest.strip_prefix('.') {
                Some(name) => member(name)?,
                None => bracket(rest.strip_prefix('[').ok_or_else(|| format!("has '{rest}' where . or [ belongs"))?)?,
            };
            parts.push(part);
            rest = after;
        }
        Ok(JsonPath { parts })
    }

    /// The value at this path.
    pub fn select<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.parts.iter().try_fold(value, |value, part| match part {
            Part::Member(name) => value.as_object()?.get(name),
            Part::Item(index) => value.as_array()?.get(*index),
        })
    }
}

const ONE_VALUE: &str = "selects more than one value, which filters here cannot compare";

fn member(rest: &str) -> Result<(Part, &str), String> {
    if rest.starts_with(['.', '*']) {
        return Err(ONE_VALUE.to_owned());
    }
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '@');
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("has a member name that must be written in brackets and quotes: '{name}'"));
    }
    Ok((Part::Member(name.to_owned()), after))
}

fn bracket(rest: &str) -> Result<(Part, &str), String> {
    let open = || "has a bracket that is not closed".to_owned();
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let inner = rest.get(1..).unwrap_or_default();
        let (name, after) = inner.split_once(quote).ok_or_else(open)?;
        if name.contains('\\') {
            return Err("has a backslash in a member name".to_owned());
        }
        return match after.strip_prefix(']') {
            Some(after) => Ok((Part::Member(name.to_owned()), after)),
            None if after.trim_start().starts_with(',') => Err(ONE_VALUE.to_owned()),
            None => Err(open()),
        };
    }
    let (inner, after) = rest.split_once(']').ok_or_else(open)?;
    match inner.parse() {
        Ok(index) if inner.bytes().all(|b| b.is_ascii_digit()) => Ok((Part::Item(index), after)),
        _ if inner.contains(['*', ':', ',', '?']) => Err(ONE_VALUE.to_owned()),
        _ => Err(format!("has '{inner}' where an index or a quoted name belongs")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_selects_one_value() {
        let body = json!({"ref": "refs/heads/main", "commits": [{"id": "a"}, {"id": "b"}], "x y": {"z.z": 1}});
        let at = |path: &str| JsonPath::parse(path).unwrap().select(&body).cloned();
        assert_eq!(at("$.ref"), Some(json!("refs/heads/main")));
        assert_eq!(at("$['ref']"), Some(json!("refs/heads/main")));
        assert_eq!(at("$.commits[1].id"), Some(json!("b")));
        assert_eq!(at(r#"$["x y"]['z.z']"#), Some(json!(1)));
        assert_eq!(at("$"), Some(body.clone()));
        for none in ["$.no", "$.commits[2]", "$.ref.x", "$.commits.id"] {
            assert_eq!(at(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_no_path_to_one_value_is_refused_with_the_reason() {
        for (path, why) in [
            ("ref", "does not begin with $"),
            ("$ref", "where . or [ belongs"),
            ("$..ref", "more than one value"),
            ("$.*", "more than one value"),
            ("$.commits[*]", "more than one value"),
            ("$.commits[?(@.id)]", "more than one value"),
            ("$.commits[0:1]", "more than one value"),
            ("$['a','b']", "more than one value"),
            ("$.a[", "not closed"),
            ("$['a", "not closed"),
            ("$.a[b]", "where an index"),
            ("$.a b", "in brackets and quotes"),
            ("$.", "in brackets and quotes"),
        ] {
            let error = JsonPath::parse(path).unwrap_err();
            assert!(error.contains(why), "{path}: {error}");
        }
    }
}
