//! The three forms of pattern as one.

use super::{expression, json, spaced, terms};
use serde_json::Value;

/// A pattern that was understood.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFilter(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Everything,
    Terms(terms::Terms),
    Json(expression::Expr<json::Selector>),
    Spaced(spaced::Spaced),
}

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFilterError {
    #[error("Invalid filter pattern: {reason} at character {at}")]
    Syntax { reason: String, at: usize },
    #[error("Invalid filter pattern: regular expressions (%...%) are not supported by Headworks yet")]
    Regex,
}

impl LogFilter {
    /// Parses a pattern; the empty one matches everything.
    pub fn parse(pattern: &str) -> Result<Self, LogFilterError> {
        let text = pattern.trim();
        Ok(LogFilter(match text.chars().next() {
            None => Form::Everything,
            Some('{') => Form::Json(json::parse(text)?),
            Some('[') => Form::Spaced(spaced::parse(text)?),
            Some(_) => Form::Terms(terms::parse(text)?),
        }))
    }

    /// Whether a message fits.
    pub fn matches(&self, message: &str) -> bool {
        match &self.0 {
            Form::Everything => true,
            Form::Terms(terms) => terms.matches(message),
            Form::Json(expr) => {
                serde_json::from_str::<Value>(message).is_ok_and(|value| expr.holds(&|s, c| s.holds(&value, c)))
            }
            Form::Spaced(spaced) => spaced.matches(message),
        }
    }

    /// Whether every message fits, so that no message need be looked at.
    pub fn is_everything(&self) -> bool {
        self.0 == Form::Everything
    }
}
