//! Lists in pages: `MaxItems`, `Marker`, `IsTruncated`.

use base::{ApiError, PageToken};

use super::errors;

/// How a client asked for a page.
pub(crate) struct Page {
    list: String,
    /// The last key of the page before; empty for the first.
    pub after: String,
    items: usize,
}

impl Page {
    /// `list` names the operation and its fixed arguments.
    pub(crate) fn new(list: String, marker: Option<&str>, max_items: Option<i64>) -> Result<Self, ApiError> {
        let after = match marker {
            None => String::new(),
            Some(marker) => PageToken::position(&list, marker)
                .map_err(|_| errors::validation(format!("Invalid Marker: {marker}")))?,
        };
        let items = usize::try_from(max_items.unwrap_or(100).clamp(1, 1000)).unwrap_or(100);
        Ok(Page { list, after, items })
    }

    /// How many rows to fetch: one more than the page has, to see whether there are more.
    pub(crate) fn limit(&self) -> i64 {
        i64::try_from(self.items).unwrap_or(100) + 1
    }

    /// Cuts rows that begin after `after`; gives the marker of the next page.
    pub(crate) fn cut<T>(&self, rows: &mut Vec<T>, key: impl Fn(&T) -> &str) -> Option<String> {
        if rows.len() <= self.items {
            return None;
        }
        rows.truncate(self.items);
        rows.last().map(|r| PageToken::after(&self.list, key(r)).into_string())
    }

    /// Cuts a whole list that is in the order of its keys.
    pub(crate) fn cut_all<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> &str) -> (Vec<T>, Option<String>) {
        rows.retain(|r| self.after.is_empty() || key(r) > self.after.as_str());
        let marker = self.cut(&mut rows, key);
        (rows, marker)
    }
}
