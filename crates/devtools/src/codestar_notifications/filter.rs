//! Filters of lists, and their page tokens.

use std::collections::BTreeMap;

use base::{ApiError, PageToken};
use serde::Deserialize;

use super::errors;

/// Filters of one request. AWS names no maximum; each costs time for each row.
const MAX_FILTERS: usize = 100;

/// One filter. Those of one name are alternatives, and something must fit each name.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter {
    pub name: String,
    pub value: String,
}

/// The values that are asked for, by name.
#[derive(Debug)]
pub(super) struct Filters(BTreeMap<String, Vec<String>>);

impl Filters {
    pub fn parse(filters: Option<Vec<Filter>>) -> Result<Self, ApiError> {
        let filters = filters.unwrap_or_default();
        if filters.len() > MAX_FILTERS {
            return Err(errors::invalid(format!("A request can have at most {MAX_FILTERS} filters")));
        }
        let mut by_name: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for Filter { name, value } in filters {
            by_name.entry(name).or_default().push(value);
        }
        Ok(Filters(by_name))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether something passes: `fits` says whether it has the value under the name.
    pub fn pass(&self, fits: impl Fn(&str, &str) -> bool) -> bool {
        self.0.iter().all(|(name, values)| values.iter().any(|value| fits(name, value)))
    }
}

/// A page token. The model knows `+` but not `-`.
pub(super) fn token(list: &str, position: &str) -> String {
    PageToken::after(list, position).into_string().replace('-', "+")
}

/// The place that a page token names.
pub(super) fn position(list: &str, token: Option<&str>) -> Result<String, ApiError> {
    let Some(token) = token else { return Ok(String::new()) };
    PageToken::position(list, &token.replace('+', "-")).map_err(|_| errors::next_token())
}

/// What is asked for at most.
pub(super) fn limit(asked: Option<u32>) -> usize {
    asked.filter(|n| *n > 0).unwrap_or(50).min(100) as usize
}
