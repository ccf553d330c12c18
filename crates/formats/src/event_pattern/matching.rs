//! Whether an event matches.

use std::cell::OnceCell;

use serde_json::Value;

use super::operator::{Comparison, EventPattern, Field, Fields, Operator, TextTest};

/// How many looks at values one match may take. What no event of a service comes near to is not worth holding up the others.
const MOST_LOOKS: u64 = 200_000;
/// Bytes of a text that count as one look.
const LOOK_BYTES: usize = 64;

/// An event is so large, and a pattern asks so much of it, that whether they match was not found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it takes more than {MOST_LOOKS} comparisons to tell whether the event matches")]
pub struct TooCostly;

impl EventPattern {
    /// Whether the event, in its envelope, matches.
    ///
    /// # Errors
    /// That it costs too much to tell.
    pub fn matches(&self, event: &Value) -> Result<bool, TooCostly> {
        let mut look = Look { event, path: Vec::new(), left: MOST_LOOKS };
        look.fields(&self.0, Some(event))
    }
}

struct Look<'a> {
    event: &'a Value,
    /// The names that lead to what is looked at.
    path: Vec<&'a str>,
    left: u64,
}

impl<'a> Look<'a> {
    fn pay(&mut self, looks: usize) -> Result<(), TooCostly> {
        self.left = self.left.checked_sub(looks as u64).ok_or(TooCostly)?;
        Ok(())
    }

    fn fields(&mut self, pattern: &'a Fields, value: Option<&'a Value>) -> Result<bool, TooCostly> {
        self.pay(1)?;
        // All of it must match the same element.
        if let Some(Value::Array(elements)) = value.filter(|v| is_list(v)) {
            for element in elements {
                if self.fields(pattern, Some(element))? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        for (name, field) in &pattern.fields {
            let member = value.and_then(|v| v.get(name));
            self.path.push(name);
            let holds = match field {
                Field::Nested(nested) => self.fields(nested, member)?,
                Field::OneOf(operators) => self.leaf(operators, member)?,
            };
            self.path.pop();
            if !holds {
                return Ok(false);
            }
        }
        for one in &pattern.alternatives {
            if self.fields(one, value)? {
                return Ok(true);
            }
        }
        Ok(pattern.alternatives.is_empty())
    }

    fn leaf(&mut self, operators: &[Operator], value: Option<&'a Value>) -> Result<bool, TooCostly> {
        let mut leaves = Vec::new();
        if let Some(value) = value {
            self.collect(value, &mut leaves)?;
        }
        for operator in operators {
            let holds = match operator {
                Operator::Exists(true) => !leaves.is_empty(),
                // Of all elements of the arrays above, not of this one alone: as AWS's event-ruler has it.
                Operator::Exists(false) => leaves.is_empty() && self.is_absent(self.event, 0)?,
                _ => self.any(operator, &leaves)?,
            };
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn any(&mut self, operator: &Operator, leaves: &[Leaf<'_>]) -> Result<bool, TooCostly> {
        for leaf in leaves {
            self.pay(leaf.cost() * operator.operands())?;
            if holds(operator, leaf) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn collect(&mut self, value: &'a Value, leaves: &mut Vec<Leaf<'a>>) -> Result<(), TooCostly> {
        self.pay(1)?;
        match value {
            Value::Array(elements) => elements.iter().try_for_each(|element| self.collect(element, leaves))?,
            Value::Object(_) => {}
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                leaves.push(Leaf { value, lower: OnceCell::new() });
            }
        }
        Ok(())
    }

    /// Whether no leaf of the event is where the path leads, from its name number `at` on.
    fn is_absent(&mut self, value: &'a Value, at: usize) -> Result<bool, TooCostly> {
        self.pay(1)?;
        if let Value::Array(elements) = value {
            for element in elements {
                if !self.is_absent(element, at)? {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        match self.path.get(at).copied() {
            None => Ok(value.is_object()),
            Some(name) => value.get(name).map_or(Ok(true), |member| self.is_absent(member, at + 1)),
        }
    }
}

fn is_list(value: &Value) -> bool {
    value.as_array().is_some_and(|elements| !elements.is_empty())
}

/// A value with what many operators want of it.
struct Leaf<'a> {
    value: &'a Value,
    lower: OnceCell<String>,
}

impl Leaf<'_> {
    fn cost(&self) -> usize {
        1 + self.value.as_str().map_or(0, str::len) / LOOK_BYTES
    }

    fn text(&self) -> Option<&str> {
        self.value.as_str()
    }

    fn lower(&self) -> &str {
        self.lower.get_or_init(|| self.text().unwrap_or_default().to_lowercase())
    }

    fn says(&self, test: &TextTest) -> bool {
        let Some(text) = self.text() else { return false };
        match test {
            TextTest::Prefix(start) => text.starts_with(start.as_str()),
            TextTest::Suffix(end) => text.ends_with(end.as_str()),
            TextTest::PrefixInAnyCase(start) => self.lower().starts_with(start.as_str()),
            TextTest::SuffixInAnyCase(end) => self.lower().ends_with(end.as_str()),
            TextTest::EqualsInAnyCase(whole) => self.lower() == whole,
            TextTest::Wildcard(wildcard) => wildcard.matches(text),
        }
    }
}

fn holds(operator: &Operator, leaf: &Leaf<'_>) -> bool {
    let value = leaf.value;
    match operator {
        Operator::Exactly(wanted) => value == wanted,
        Operator::Number(wanted) => value.as_number() == Some(wanted),
        Operator::Text(test) => leaf.says(test),
        Operator::AnythingBut(unwanted) => unwanted.iter().all(|one| value != one),
        Operator::AnythingButText(tests) => !tests.iter().any(|test| leaf.says(test)),
        Operator::Numeric(bounds) => {
            value.as_f64().is_some_and(|number| bounds.iter().all(|(comparison, bound)| comparison.is(number, *bound)))
        }
        Operator::Exists(wanted) => *wanted,
        Operator::Network(network) => leaf.text().is_some_and(|text| network.holds(text)),
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
