//! Reading a pattern. Whatever could never match as it was meant is refused, and the refusal says where it stands.

use std::fmt;

use serde_json::{Map, Value};

use super::address::Network;
use super::operator::{Comparison, EventPattern, Field, Fields, Operator, TextTest};
use super::wildcard::Wildcard;

/// How far from zero numbers of `numeric` may be.
const LARGEST_NUMBER: f64 = 5e9;

/// What is wrong with a pattern, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct EventPatternError {
    /// What is wrong.
    pub reason: String,
    /// The field (`detail.state`); empty for the whole pattern.
    pub field: String,
}

impl fmt::Display for EventPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if self.field.is_empty() { Ok(()) } else { write!(f, " at {}", self.field) }
    }
}

impl EventPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, EventPatternError> {
        let wrong = |e: serde_json::Error| EventPatternError { reason: format!("not JSON: {e}"), field: String::new() };
        let value: Value = serde_json::from_str(text).map_err(wrong)?;
        let place = Place::default();
        let Value::Object(members) = &value else { return Err(place.wrong("Filter is not an object")) };
        fields(members, &place).map(EventPattern)
    }
}

/// The names that lead to a field.
#[derive(Clone, Default)]
struct Place(Vec<String>);

impl Place {
    fn at(&self, name: &str) -> Place {
        Place(self.0.iter().cloned().chain([name.to_owned()]).collect())
    }

    fn wrong(&self, reason: impl Into<String>) -> EventPatternError {
        EventPatternError { reason: reason.into(), field: self.0.join(".") }
    }
}

fn fields(members: &Map<String, Value>, place: &Place) -> Result<Fields, EventPatternError> {
    if members.is_empty() {
        return Err(place.wrong("Empty objects are not allowed"));
    }
    let mut read = Fields::default();
    for (name, value) in members {
        let here = place.at(name);
        match value {
            _ if name == "$or" => read.alternatives = alternatives(value, place, &here)?,
            Value::Object(nested) => read.fields.push((name.clone(), Field::Nested(fields(nested, &here)?))),
            Value::Array(values) if values.is_empty() => return Err(here.wrong("Empty arrays are not allowed")),
            Value::Array(values) => {
                let operators: Result<_, _> = values.iter().map(|value| operator(value, &here)).collect();
                read.fields.push((name.clone(), Field::OneOf(operators?)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(here.wrong(format!("\"{name}\" must be an object or an array")));
            }
        }
    }
    // What costs least to look at decides first: source and detail-type, say.
    read.fields.sort_by_key(|(_, field)| matches!(field, Field::Nested(_)));
    Ok(read)
}

fn alternatives(value: &Value, place: &Place, here: &Place) -> Result<Vec<Fields>, EventPatternError> {
    let objects: Option<Vec<_>> = value.as_array().and_then(|all| all.iter().map(Value::as_object).collect());
    match objects {
        Some(objects) if objects.len() > 1 => objects.into_iter().map(|members| fields(members, place)).collect(),
        _ => Err(here.wrong("\"$or\" must be an array of two or more objects")),
    }
}

fn operator(value: &Value, place: &Place) -> Result<Operator, EventPatternError> {
    let members = match value {
        Value::Number(number) => return Ok(Operator::Number(number.clone())),
        Value::Null | Value::Bool(_) | Value::String(_) => return Ok(Operator::Exactly(value.clone())),
        Value::Array(_) => return Err(place.wrong("Match value must be String, number, true, false, or null")),
        Value::Object(members) => members,
    };
    let (name, operand) = only(members, place)?;
    let place = &place.at(name);
    match name {
        "prefix" | "suffix" | "equals-ignore-case" | "wildcard" => text_test(name, operand, place).map(Operator::Text),
        "anything-but" => anything_but(operand, place),
        "numeric" => numeric(operand, place),
        "exists" => match operand {
            Value::Bool(exists) => Ok(Operator::Exists(*exists)),
            _ => Err(place.wrong("exists match pattern must be either true or false")),
        },
        "cidr" => match operand.as_str().and_then(Network::parse) {
            Some(network) => Ok(Operator::Network(network)),
            None => Err(place.wrong("Malformed CIDR, one '/' required with an address before and a length after it")),
        },
        _ => Err(place.wrong(format!("Unrecognized match type {name}"))),
    }
}

fn only<'a>(members: &'a Map<String, Value>, place: &Place) -> Result<(&'a str, &'a Value), EventPatternError> {
    let mut all = members.iter();
    match (all.next(), all.next()) {
        (Some((name, value)), None) => Ok((name, value)),
        (None, _) => Err(place.wrong("Empty objects are not allowed")),
        (Some(_), Some(_)) => Err(place.wrong("Only one key allowed in match expression")),
    }
}

fn text_test(name: &str, operand: &Value, place: &Place) -> Result<TextTest, EventPatternError> {
    let text = |value: &Value| match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(place.wrong(format!("{name} match pattern must be a string"))),
    };
    if let (Value::Object(members), "prefix" | "suffix") = (operand, name) {
        let (inner, operand) = only(members, place)?;
        if inner != "equals-ignore-case" {
            return Err(place.wrong(format!("Unsupported {name} pattern: {inner}")));
        }
        let text = text(operand)?.to_lowercase();
        return Ok(if name == "prefix" { TextTest::PrefixInAnyCase(text) } else { TextTest::SuffixInAnyCase(text) });
    }
    let text = text(operand)?;
    match name {
        "prefix" => Ok(TextTest::Prefix(text)),
        "suffix" => Ok(TextTest::Suffix(text)),
        "wildcard" => Wildcard::parse(&text)
            .map(TextTest::Wildcard)
            .map_err(|why| place.wrong(format!("{why} in the wildcard match pattern '{text}'"))),
        _ => Ok(TextTest::EqualsInAnyCase(text.to_lowercase())),
    }
}

fn anything_but(operand: &Value, place: &Place) -> Result<Operator, EventPatternError> {
    let few = "Value of anything-but must be an array or single string/number value.";
    let is_one = |value: &Value| value.is_string() || value.is_number();
    match operand {
        Value::Object(members) => {
            let (name, operand) = only(members, place)?;
            let place = &place.at(name);
            if !matches!(name, "prefix" | "suffix" | "equals-ignore-case" | "wildcard") {
                return Err(place.wrong(format!("Unsupported anything-but pattern: {name}")));
            }
            let operands = match operand {
                Value::Array(all) if all.is_empty() => return Err(place.wrong("Empty arrays are not allowed")),
                Value::Array(all) => all.as_slice(),
                _ => std::slice::from_ref(operand),
            };
            let tests: Result<_, _> = operands.iter().map(|operand| text_test(name, operand, place)).collect();
            tests.map(Operator::AnythingButText)
        }
        Value::Array(all) if all.is_empty() => Err(place.wrong("Empty arrays are not allowed")),
        Value::Array(all) if all.iter().all(Value::is_string) || all.iter().all(Value::is_number) => {
            Ok(Operator::AnythingBut(all.clone()))
        }
        Value::Array(_) => {
            Err(place.wrong("Inside anything but list, either all values are strings or all are numbers"))
        }
        one if is_one(one) => Ok(Operator::AnythingBut(vec![one.clone()])),
        _ => Err(place.wrong(few)),
    }
}

fn numeric(operand: &Value, place: &Place) -> Result<Operator, EventPatternError> {
    let Some(parts) = operand.as_array() else { return Err(place.wrong("Value of numeric must be an array.")) };
    let mut bounds = Vec::new();
    for pair in parts.chunks(2) {
        let [sign, bound] = pair else { return Err(place.wrong("Value of numeric must be numeric")) };
        let Some(comparison) = sign.as_str().and_then(comparison) else {
            return Err(place.wrong(format!("Unrecognized numeric range operator: {sign}")));
        };
        let Some(bound) = bound.as_f64() else { return Err(place.wrong("Value of numeric must be numeric")) };
        if bound.abs() > LARGEST_NUMBER {
            return Err(place.wrong("Value of numeric must be between -5.0e9 and +5.0e9"));
        }
        bounds.push((comparison, bound));
    }
    let is_low = |c: Comparison| matches!(c, Comparison::More | Comparison::AtLeast);
    let is_high = |c: Comparison| matches!(c, Comparison::Less | Comparison::AtMost);
    match *bounds.as_slice() {
        [] => Err(place.wrong("Invalid member in numeric match: ]")),
        [_] => Ok(Operator::Numeric(bounds)),
        [(one, low), (other, high)] if is_low(one) && is_high(other) && low < high => Ok(Operator::Numeric(bounds)),
        [(one, _), (other, _)] if is_low(one) && is_high(other) => Err(place.wrong("Bottom must be less than top")),
        [(one, high), (other, low)] if is_high(one) && is_low(other) && low < high => Ok(Operator::Numeric(bounds)),
        [_, _] => Err(place.wrong("Bad numeric range operator: a lower and an upper bound are wanted")),
        _ => Err(place.wrong("Too many terms in numeric range")),
    }
}

fn comparison(sign: &str) -> Option<Comparison> {
    Some(match sign {
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        "=" => Comparison::Equal,
        ">=" => Comparison::AtLeast,
        ">" => Comparison::More,
        _ => return None,
    })
}
