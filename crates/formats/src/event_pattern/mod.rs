//! Event patterns: which events a rule is about.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html> and
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>. Fields of a pattern must all
//! match, of the values in an array one is enough. Operators look at leaves alone: a field whose value is an object, or an
//! array without elements, is there for none of them. Numbers without an operator are equal if they are written alike: 300 is
//! not 300.0.

mod address;
mod matching;
mod operator;
mod parse;
#[cfg(test)]
mod tests;
mod wildcard;

pub use matching::TooCostly;
pub use operator::EventPattern;
pub use parse::EventPatternError;
