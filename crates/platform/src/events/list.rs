//! Pages of lists that are in the order of a name.

use base::{ApiError, PageToken};

use super::errors;

/// Rows of a page when the request does not say.
const LIMIT: u32 = 100;

/// A place in a list and how many rows to read from there: one more than the page has, to see whether there are more.
pub(super) struct Page {
    list: String,
    pub after: String,
    limit: u32,
}

impl Page {
    pub fn new(list: String, token: Option<&str>, limit: Option<u32>) -> Result<Page, ApiError> {
        let after = match token {
            None => String::new(),
            Some(token) => PageToken::position(&list, token).map_err(|_| errors::bad_token())?,
        };
        Ok(Page { list, after, limit: limit.unwrap_or(LIMIT).clamp(1, LIMIT) })
    }

    pub fn ask(&self) -> u32 {
        self.limit + 1
    }

    /// Cuts off what is too much, and gives the token of the next page.
    pub fn cut<T>(&self, rows: &mut Vec<T>, name: impl Fn(&T) -> &str) -> Option<String> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        rows.last().filter(|_| more).map(|last| PageToken::after(&self.list, name(last)).into_string())
    }
}
