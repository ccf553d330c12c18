//! Walks an input beside its shape.

use std::fmt::Write as _;

use base::ApiError;
use serde_json::Value;

use crate::model::{Kind, Location, Member, Protocol, Shape, Shapes};
use crate::route::Call;

use super::pattern::Pattern;
use super::wording;

/// AWS lists at most this many faults.
const MAX_FAULTS: usize = 10;

/// Refuses an input that breaks the model's rules.
pub(crate) fn check(call: &Call, input: &Value) -> Result<(), ApiError> {
    let Some(id) = call.operation.input() else { return Ok(()) };
    let shapes = call.service.shapes();
    let mut faults = Faults { strict: call.protocol != Protocol::RestXml, found: Vec::new(), path: String::new() };
    faults.value(shapes, shapes.get(id), input, None);
    if faults.found.is_empty() { Ok(()) } else { Err(wording::refusal(call, &faults.found)) }
}

/// One broken rule.
#[derive(Debug)]
pub(crate) struct Fault {
    /// `tags.1.member.key`.
    pub(super) path: String,
    /// The value as AWS prints it; `None` when it must not be seen.
    pub(super) value: Option<String>,
    pub(super) missing: bool,
    pub(super) location: Location,
    pub(super) wire_name: String,
    pub(super) rule: String,
}

struct Faults {
    /// Lengths, ranges and patterns are checked too: not so in S3, which checks them by hand with its own errors.
    strict: bool,
    found: Vec<Fault>,
    path: String,
}

impl Faults {
    fn push(&mut self, shape: &Shape, value: &Value, member: Option<&Member>, rule: String) {
        let shown = if shape.sensitive { None } else { Some(show(value)) };
        self.found.push(Fault {
            path: self.path.clone(),
            value: shown,
            missing: value.is_null(),
            location: member.map_or(Location::Body, |m| m.location),
            wire_name: member.map_or_else(String::new, |m| m.wire_name().to_owned()),
            rule,
        });
    }

    fn within(&mut self, part: std::fmt::Arguments<'_>, inner: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        let _ = self.path.write_fmt(part);
        inner(self);
        self.path.truncate(length);
    }

    fn value(&mut self, shapes: &Shapes, shape: &Shape, value: &Value, member: Option<&Member>) {
        if self.found.len() >= MAX_FAULTS {
            return;
        }
        match (&shape.kind, value) {
            (Kind::Structure(s), Value::Object(object)) => {
                for m in &*s.members {
                    let inner = shapes.get(m.shape);
                    match object.get(&*m.name) {
                        Some(value) => {
                            self.within(format_args!("{}", Bean(&m.name)), |f| f.value(shapes, inner, value, Some(m)));
                        }
                        None if m.required && !(m.streaming || inner.streaming) => {
                            self.within(format_args!("{}", Bean(&m.name)), |f| {
                                f.push(inner, &Value::Null, Some(m), "Member must not be null".to_owned());
                            });
                        }
                        None => {}
                    }
                }
            }
            (Kind::List { element, .. }, Value::Array(items)) => {
                self.bounds(shape, value, member, items.len() as f64, "length");
                let inner = shapes.get(element.shape);
                if is_scalar(inner) {
                    if self.strict && items.iter().any(|i| i.is_null() || !satisfies(inner, i)) {
                        let rule = format!("Member must satisfy constraint: [{}]", rules(inner).join(", "));
                        self.push(shape, value, member, rule);
                    }
                } else {
                    for (i, item) in items.iter().enumerate() {
                        self.within(format_args!("{}.member", i + 1), |f| f.value(shapes, inner, item, None));
                    }
                }
            }
            (Kind::Map { key, value: v, .. }, Value::Object(entries)) => {
                self.bounds(shape, value, member, entries.len() as f64, "length");
                let (key, inner) = (shapes.get(key.shape), shapes.get(v.shape));
                if self.strict && entries.keys().any(|k| !satisfies(key, &Value::String(k.clone()))) {
                    let rule = format!("Map keys must satisfy constraint: [{}]", rules(key).join(", "));
                    self.push(shape, value, member, rule);
                }
                if is_scalar(inner) {
                    if self.strict && entries.values().any(|v| !satisfies(inner, v)) {
                        let rule = format!("Map value must satisfy constraint: [{}]", rules(inner).join(", "));
                        self.push(if inner.sensitive { inner } else { shape }, value, member, rule);
                    }
                } else {
                    for (name, item) in entries {
                        self.within(format_args!("{name}.member"), |f| f.value(shapes, inner, item, None));
                    }
                }
            }
            (Kind::Text, Value::String(text)) => self.text(shape, value, text, member),
            (Kind::Integer | Kind::Long | Kind::Float, Value::Number(n)) => {
                self.bounds(shape, value, member, n.as_f64().unwrap_or_default(), "value");
            }
            (Kind::Blob, Value::String(text)) => {
                self.bounds(shape, value, member, blob_length(text), "length");
            }
            _ => {}
        }
    }

    fn text(&mut self, shape: &Shape, value: &Value, text: &str, member: Option<&Member>) {
        let enumerated = !shape.values.is_empty();
        if enumerated && (self.strict || member.is_some_and(|m| m.location == Location::Body)) {
            if !shape.values.iter().any(|v| **v == *text) {
                self.push(shape, value, member, enum_rule(shape));
            }
            return;
        }
        if self.strict {
            self.bounds(shape, value, member, length(text), "length");
            if let Some(pattern) = &shape.pattern
                && !Pattern::of(pattern).matches(text)
            {
                self.push(shape, value, member, pattern_rule(&pattern.text));
            }
        }
    }

    fn bounds(&mut self, shape: &Shape, value: &Value, member: Option<&Member>, n: f64, what: &str) {
        if !self.strict {
            return;
        }
        if let Some(max) = shape.max.filter(|max| n > *max) {
            self.push(shape, value, member, format!("Member must have {what} less than or equal to {max}"));
        } else if let Some(min) = shape.min.filter(|min| n < *min) {
            self.push(shape, value, member, format!("Member must have {what} greater than or equal to {min}"));
        }
    }
}

fn enum_rule(shape: &Shape) -> String {
    format!("Member must satisfy enum value set: [{}]", shape.values.join(", "))
}

fn pattern_rule(text: &str) -> String {
    format!("Member must satisfy regular expression pattern: {text}")
}

fn is_scalar(shape: &Shape) -> bool {
    !matches!(shape.kind, Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. })
}

/// Java counts UTF-16 units.
fn length(text: &str) -> f64 {
    if text.is_ascii() { text.len() as f64 } else { text.encode_utf16().count() as f64 }
}

fn blob_length(base64: &str) -> f64 {
    let padding = base64.bytes().rev().take_while(|b| *b == b'=').count();
    (base64.len() / 4 * 3).saturating_sub(padding) as f64
}

/// Whether a scalar inside a list or map keeps every rule of its shape.
fn satisfies(shape: &Shape, value: &Value) -> bool {
    let within = |n: f64| shape.min.is_none_or(|min| n >= min) && shape.max.is_none_or(|max| n <= max);
    match (&shape.kind, value) {
        (Kind::Text, Value::String(text)) if !shape.values.is_empty() => shape.values.iter().any(|v| **v == **text),
        (Kind::Text, Value::String(text)) => {
            within(length(text)) && shape.pattern.as_ref().is_none_or(|p| Pattern::of(p).matches(text))
        }
        (Kind::Integer | Kind::Long | Kind::Float, Value::Number(n)) => within(n.as_f64().unwrap_or_default()),
        (Kind::Blob, Value::String(text)) => within(blob_length(text)),
        _ => true,
    }
}

/// All rules of a scalar's shape, as AWS lists them for elements of lists and maps.
fn rules(shape: &Shape) -> Vec<String> {
    let mut rules = Vec::new();
    if !shape.values.is_empty() {
        rules.push(enum_rule(shape));
        return rules;
    }
    let what = if matches!(shape.kind, Kind::Text | Kind::Blob) { "length" } else { "value" };
    rules.extend(shape.max.map(|max| format!("Member must have {what} less than or equal to {max}")));
    rules.extend(shape.min.map(|min| format!("Member must have {what} greater than or equal to {min}")));
    rules.extend(shape.pattern.as_ref().map(|p| pattern_rule(&p.text)));
    if rules.is_empty() {
        rules.push("Member must not be null".to_owned());
    }
    rules
}

/// Java prints lists and maps without quotes.
fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::String(s) => s.clone(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: Vec<String> = entries.iter().map(|(k, v)| format!("{k}={}", show(v))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A member's name as a Java bean spells it: `RoleName` is `roleName`.
struct Bean<'a>(&'a str);

impl std::fmt::Display for Bean<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut chars = self.0.chars();
        match chars.next() {
            Some(first) => write!(f, "{}{}", first.to_ascii_lowercase(), chars.as_str()),
            None => Ok(()),
        }
    }
}
