//! What a rule makes of an event for its target: a part of it, or a template that is filled in.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>

use std::collections::BTreeMap;

use serde_json::Value;

/// How deep what stands in an event, or is made of one, may be nested: it must be read again inside of other JSON.
const MOST_LEVELS: usize = 100;

/// Whether objects and arrays are nested too deep to be kept.
pub fn is_too_deep(value: &Value) -> bool {
    deeper(value, MOST_LEVELS)
}

fn deeper(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return value.is_array() || value.is_object() };
    match value {
        Value::Array(elements) => elements.iter().any(|element| deeper(element, below)),
        Value::Object(members) => members.values().any(|member| deeper(member, below)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A path of dots and indexes into an event: `$.detail.items[0].name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
}

impl EventPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, for its writer.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not a path into an event: '$', then .member and [index]");
        let mut rest = text.strip_prefix('$').ok_or_else(wrong)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let end = |part: &str| part.find(['.', '[']).unwrap_or(part.len());
            let (step, after) = match (rest.strip_prefix('.'), rest.strip_prefix('[')) {
                (Some(part), _) => {
                    let (name, after) = part.split_at_checked(end(part)).ok_or_else(wrong)?;
                    (Step::Member(name.to_owned()).named().ok_or_else(wrong)?, after)
                }
                (None, Some(part)) => {
                    let (inside, after) = part.split_once(']').ok_or_else(wrong)?;
                    let quoted = inside.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
                    let step = match quoted {
                        Some(name) => Step::Member(name.to_owned()),
                        None => Step::Element(inside.parse().map_err(|_| wrong())?),
                    };
                    (step, after)
                }
                (None, None) => return Err(wrong()),
            };
            steps.push(step);
            rest = after;
        }
        Ok(EventPath(steps))
    }

    /// What stands there.
    pub fn find<'a>(&self, event: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(event, |value, step| match step {
            Step::Member(name) => value.get(name),
            Step::Element(index) => value.get(index),
        })
    }
}

impl Step {
    fn named(self) -> Option<Step> {
        match &self {
            Step::Member(name) if name.is_empty() || name.contains(['*', ']', '"']) => None,
            Step::Member(_) | Step::Element(_) => Some(self),
        }
    }
}

/// A template with `<name>` for what paths find. A value keeps its JSON form, and is a part of the text inside of quotes.
#[derive(Clone, Debug)]
pub struct InputTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    Filled { source: Source, in_quotes: bool },
}

#[derive(Clone, Debug)]
enum Source {
    Path(EventPath),
    /// Of the rule: see [`Reserved`].
    Rule(Reserved),
    Event,
}

/// Variables that need no path.
#[derive(Clone, Copy, Debug)]
enum Reserved {
    Arn,
    Name,
    Time,
}

/// What a template may say of the rule.
#[derive(Clone, Copy, Debug)]
pub struct RuleFacts<'a> {
    pub arn: &'a str,
    pub name: &'a str,
    /// When the event was taken in.
    pub ingestion_time: &'a str,
}

impl InputTemplate {
    /// Reads a template with the paths of its variables.
    ///
    /// # Errors
    /// What is wrong, for the writer of the rule: a path, or a variable that has none.
    pub fn parse(template: &str, paths: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        for (name, path) in paths {
            if name.starts_with("AWS") || name.starts_with("aws.events") {
                return Err(format!("the variable '{name}' cannot begin with AWS"));
            }
            known.insert(name.as_str(), EventPath::parse(path)?);
        }
        let mut parts = Vec::new();
        let (mut literal, mut in_quotes, mut rest) = (String::new(), false, template);
        while let Some(c) = rest.chars().next() {
            let variable = rest.strip_prefix('<').and_then(|inside| inside.split_once('>'));
            if let Some((name, after)) = variable.filter(|(name, _)| is_name(name)) {
                let source = match (name, known.get(name)) {
                    (_, Some(path)) => Source::Path(path.clone()),
                    ("aws.events.rule-arn", None) => Source::Rule(Reserved::Arn),
                    ("aws.events.rule-name", None) => Source::Rule(Reserved::Name),
                    ("aws.events.event.ingestion-time", None) => Source::Rule(Reserved::Time),
                    ("aws.events.event" | "aws.events.event.json", None) => Source::Event,
                    (_, None) => return Err(format!("the variable '{name}' of the template has no path")),
                };
                parts.push(Part::Literal(std::mem::take(&mut literal)));
                parts.push(Part::Filled { source, in_quotes });
                rest = after;
                continue;
            }
            // What follows a backslash does not end a text.
            let taken =
                rest.char_indices().nth(if in_quotes && c == '\\' { 2 } else { 1 }).map_or(rest.len(), |(at, _)| at);
            let (piece, after) = rest.split_at(taken);
            literal.push_str(piece);
            in_quotes ^= c == '"';
            rest = after;
        }
        parts.push(Part::Literal(literal));
        Ok(InputTemplate { parts })
    }

    /// The text that the target gets.
    pub fn fill(&self, event: &Value, rule: RuleFacts<'_>) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let (source, in_quotes) = match part {
                Part::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Part::Filled { source, in_quotes } => (source, *in_quotes),
            };
            let value = match source {
                Source::Path(path) => path.find(event).cloned(),
                Source::Event => Some(event.clone()),
                Source::Rule(Reserved::Arn) => Some(rule.arn.into()),
                Source::Rule(Reserved::Name) => Some(rule.name.into()),
                Source::Rule(Reserved::Time) => Some(rule.ingestion_time.into()),
            };
            match (value, in_quotes) {
                (None, true) => {}
                (None, false) => text.push_str("null"),
                (Some(value), false) => text.push_str(&value.to_string()),
                (Some(Value::String(value)), true) => text.push_str(&escaped(&value)),
                (Some(value), true) => text.push_str(&escaped(&value.to_string())),
            }
        }
        text
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// As it stands between the quotes of a JSON text.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULE: RuleFacts<'_> =
        RuleFacts { arn: "arn:aws:events:eu-west-1:1:rule/r", name: "r", ingestion_time: "2026-01-01T00:00:00Z" };

    fn event() -> Value {
        json!({"source": "aws.ec2", "detail": {"instance-id": "i-0123", "n": 3, "say": "a \"b\"", "list": [{"x": 1}]}})
    }

    fn fill(template: &str, paths: &[(&str, &str)]) -> String {
        let paths = paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        InputTemplate::parse(template, &paths).unwrap().fill(&event(), RULE)
    }

    #[test]
    fn what_is_nested_in_more_than_a_hundred_levels_is_too_deep() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let is_too_deep = |levels| is_too_deep(&serde_json::from_str(&nested(levels)).unwrap());
        assert_eq!((is_too_deep(100), is_too_deep(101), is_too_deep(127)), (false, true, true));
    }

    #[test]
    fn paths_lead_through_members_and_elements() {
        let find = |path: &str| EventPath::parse(path).unwrap().find(&event()).cloned();
        assert_eq!(find("$"), Some(event()));
        assert_eq!(find("$.detail.instance-id"), Some(json!("i-0123")));
        assert_eq!(find("$.detail.list[0].x"), Some(json!(1)));
        assert_eq!(find("$.detail['n']"), Some(json!(3)));
        assert_eq!(find("$.detail.list[1]"), None);
        for bad in ["", "detail", "$.", "$detail", "$.a[x]", "$.a[", "$.a..b", "$.a.*"] {
            assert!(EventPath::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_templates_of_the_guide_are_filled() {
        let paths = [("instance", "$.detail.instance-id"), ("n", "$.detail.n"), ("say", "$.detail.say")];
        assert_eq!(fill("\"instance <instance> is in <n>\"", &paths), "\"instance i-0123 is in 3\"");
        assert_eq!(fill(r#"{"instance": <instance>, "n": <n>}"#, &paths), r#"{"instance": "i-0123", "n": 3}"#);
        assert_eq!(fill(r#"{"said": "<say>", "plain": <say>}"#, &paths), r#"{"said": "a \"b\"", "plain": "a \"b\""}"#);
        assert_eq!(fill(r#"{"rule": "<aws.events.rule-name>"}"#, &[]), r#"{"rule": "r"}"#);
        assert_eq!(fill("<aws.events.event.json>", &[]), event().to_string());
        assert_eq!(
            fill(r#"{"a": "\"<n>\"", "b": <none>, "c": "<none>"}"#, &[("n", "$.detail.n"), ("none", "$.x")]),
            r#"{"a": "\"3\"", "b": null, "c": ""}"#
        );
        assert_eq!(fill("1 < 2 > 1", &[]), "1 < 2 > 1");
    }

    #[test]
    fn variables_without_paths_are_refused() {
        let parse = |template: &str, paths: &[(&str, &str)]| {
            let paths = paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
            InputTemplate::parse(template, &paths).unwrap_err()
        };
        assert!(parse("<nobody>", &[]).contains("'nobody'"));
        assert!(parse("<a>", &[("a", "detail")]).contains("'detail'"));
        assert!(parse("x", &[("AWS.x", "$.a")]).contains("AWS"));
    }
}
