//! Tags of rules.

use base::{ApiError, Tags};

use super::errors;

/// Tags of one rule.
const MAX_TAGS: usize = 50;

pub(super) fn check(tags: &Tags) -> Result<(), ApiError> {
    if let Some(key) = tags.keys().find(|key| key.to_ascii_lowercase().starts_with("aws")) {
        return Err(errors::invalid(format!("The tag key '{key}' is not valid: it must not start with aws.")));
    }
    if tags.len() > MAX_TAGS {
        return Err(errors::limit(format!("A notification rule can have at most {MAX_TAGS} tags.")));
    }
    Ok(())
}
