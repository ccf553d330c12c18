//! Whether an event matches.

use serde_json::Value;

use super::operator::{Comparison, EventPattern, Field, Fields, Operator, TextTest};

impl EventPattern {
    /// Whether the event, in its envelope, matches.
    pub fn matches(&self, event: &Value) -> bool {
        fields(&self.0, Some(event))
    }
}

fn fields(pattern: &Fields, value: Option<&Value>) -> bool {
    // All of it must match the same element.
    if let Some(Value::Array(elements)) = value.filter(|v| is_list(v)) {
        return elements.iter().any(|element| fields(pattern, Some(element)));
    }
    let member = |name: &str| value.and_then(|v| v.get(name));
    let all = pattern.fields.iter().all(|(name, field)| match field {
        Field::Nested(nested) => fields(nested, member(name)),
        Field::OneOf(operators) => leaf(operators, member(name)),
    });
    all && (pattern.alternatives.is_empty() || pattern.alternatives.iter().any(|one| fields(one, value)))
}

fn is_list(value: &Value) -> bool {
    value.as_array().is_some_and(|elements| !elements.is_empty())
}

fn leaf(operators: &[Operator], value: Option<&Value>) -> bool {
    let mut leaves = Vec::new();
    if let Some(value) = value {
        collect(value, &mut leaves);
    }
    operators.iter().any(|operator| match operator {
        Operator::Exists(wanted) => leaves.is_empty() != *wanted,
        _ => leaves.iter().any(|leaf| holds(operator, leaf)),
    })
}

fn collect<'a>(value: &'a Value, leaves: &mut Vec<&'a Value>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, leaves)),
        Value::Object(_) => {}
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push(value),
    }
}

fn holds(operator: &Operator, leaf: &Value) -> bool {
    match operator {
        Operator::Exactly(wanted) => leaf == wanted,
        Operator::Number(wanted) => leaf.as_number() == Some(wanted),
        Operator::Text(test) => leaf.as_str().is_some_and(|text| says(test, text)),
        Operator::AnythingBut(unwanted) => unwanted.iter().all(|value| leaf != value),
        Operator::AnythingButText(tests) => leaf.as_str().is_none_or(|text| tests.iter().all(|test| !says(test, text))),
        Operator::Numeric(bounds) => {
            leaf.as_f64().is_some_and(|number| bounds.iter().all(|(comparison, bound)| comparison.is(number, *bound)))
        }
        Operator::Exists(wanted) => *wanted,
        Operator::Network(network) => leaf.as_str().is_some_and(|text| network.holds(text)),
    }
}

fn says(test: &TextTest, text: &str) -> bool {
    match test {
        TextTest::Prefix(start) => text.starts_with(start.as_str()),
        TextTest::Suffix(end) => text.ends_with(end.as_str()),
        TextTest::PrefixInAnyCase(start) => text.to_lowercase().starts_with(start.as_str()),
        TextTest::SuffixInAnyCase(end) => text.to_lowercase().ends_with(end.as_str()),
        TextTest::EqualsInAnyCase(whole) => text.to_lowercase() == *whole,
        TextTest::Wildcard(wildcard) => wildcard.matches(text),
    }
}

impl Comparison {
    fn is(self, number: f64, bound: f64) -> bool {
        match self {
            Comparison::Less => number < bound,
            Comparison::AtMost => number <= bound,
            // Both were written as decimals.
            Comparison::Equal => number.total_cmp(&bound).is_eq(),
            Comparison::AtLeast => number >= bound,
            Comparison::More => number > bound,
        }
    }
}
