//! A pattern as it is matched.

use serde_json::{Number, Value};

use super::address::Network;
use super::wildcard::Wildcard;

/// A pattern that was read; see [`EventPattern::parse`] and [`EventPattern::matches`].
#[derive(Clone, Debug)]
pub struct EventPattern(pub(super) Fields);

/// Fields of one object, all of which must match.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub fields: Vec<(String, Field)>,
    /// `$or`: one of these must match as well.
    pub alternatives: Vec<Fields>,
}

#[derive(Clone, Debug)]
pub(super) enum Field {
    Nested(Fields),
    /// One must match.
    OneOf(Vec<Operator>),
}

#[derive(Clone, Debug)]
pub(super) enum Operator {
    /// A text, null, true or false.
    Exactly(Value),
    Number(Number),
    Text(TextTest),
    /// None of these.
    AnythingBut(Vec<Value>),
    /// No text for which one of these holds.
    AnythingButText(Vec<TextTest>),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    Network(Network),
}

impl Operator {
    /// How many comparisons it takes.
    pub fn operands(&self) -> usize {
        match self {
            Operator::AnythingBut(values) => values.len(),
            Operator::AnythingButText(tests) => tests.len(),
            Operator::Exactly(_)
            | Operator::Number(_)
            | Operator::Text(_)
            | Operator::Numeric(_)
            | Operator::Exists(_)
            | Operator::Network(_) => 1,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum TextTest {
    Prefix(String),
    PrefixInAnyCase(String),
    Suffix(String),
    SuffixInAnyCase(String),
    EqualsInAnyCase(String),
    Wildcard(Wildcard),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}
