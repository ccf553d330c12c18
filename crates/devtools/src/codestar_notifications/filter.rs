//! Filters of lists, and their page tokens.

use base::{ApiError, PageToken};
use serde::Deserialize;

use super::errors;

/// One filter. Those of one name are alternatives, and something must fit each name.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter {
    pub name: String,
    pub value: String,
}

/// Whether something passes all filters: `fits` says whether it has the value under the name.
pub(super) fn passes(filters: &[Filter], fits: impl Fn(&Filter) -> bool) -> bool {
    filters.iter().all(|filter| filters.iter().any(|other| other.name == filter.name && fits(other)))
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
