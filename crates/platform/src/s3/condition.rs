//! Conditional requests (RFC 9110, section 13, as S3 applies it).

use base::{ApiError, Timestamp};
use store::tables::s3_version::Row;

use super::errors;

/// What a reader asks of an object's state.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadConditions<'a> {
    pub(super) if_match: Option<&'a str>,
    pub(super) if_none_match: Option<&'a str>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// How a condition turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Go,
    /// 304 for a reader, 412 for a copy.
    NotModified(&'static str),
    Failed(&'static str),
}

impl ReadConditions<'_> {
    /// Entity tags win over times: a true `If-Match` makes `If-Unmodified-Since` count no more, and a true
    /// `If-None-Match` makes `If-Modified-Since` count no more.
    pub(super) fn judge(&self, etag: &str, modified: Timestamp) -> Verdict {
        match self.if_match {
            Some(tags) if !matches(tags, etag) => return Verdict::Failed("If-Match"),
            Some(_) => {}
            None if self.if_unmodified_since.is_some_and(|t| modified.secs() > t.secs()) => {
                return Verdict::Failed("If-Unmodified-Since");
            }
            None => {}
        }
        match self.if_none_match {
            Some(tags) if matches(tags, etag) => Verdict::NotModified("If-None-Match"),
            Some(_) => Verdict::Go,
            None if self.if_modified_since.is_some_and(|t| modified.secs() <= t.secs()) => {
                Verdict::NotModified("If-Modified-Since")
            }
            None => Verdict::Go,
        }
    }
}

/// Whether a list of entity tags (or `*`) names `etag`.
pub(super) fn matches(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|t| t == "*" || t.trim_start_matches("W/").trim_matches('"') == etag)
}

/// What a writer asks of the object that it is about to replace.
#[derive(Clone, Debug, Default)]
pub(super) struct WriteConditions {
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
}

impl WriteConditions {
    pub(super) fn new(if_match: Option<String>, if_none_match: Option<String>) -> Result<Self, ApiError> {
        if if_none_match.as_deref().is_some_and(|t| t.trim() != "*") {
            return Err(errors::not_implemented("If-None-Match with anything but * on a write"));
        }
        if if_match.is_some() && if_none_match.is_some() {
            return Err(errors::not_implemented("If-Match together with If-None-Match on a write"));
        }
        Ok(WriteConditions { if_match, if_none_match })
    }

    /// `newest` is the key's newest version, be it a marker.
    pub(super) fn check(&self, key: &str, newest: Option<&Row>) -> Result<(), ApiError> {
        let current = newest.filter(|r| !r.marker);
        if self.if_none_match.is_some() && current.is_some() {
            return Err(errors::precondition_failed("If-None-Match"));
        }
        match (&self.if_match, current) {
            (Some(_), None) => Err(errors::no_such_key(key)),
            (Some(tags), Some(row)) if !matches(tags, &row.etag) => Err(errors::precondition_failed("If-Match")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tags_match_with_and_without_quotes_in_lists_and_by_star() {
        for yes in ["\"abc\"", "abc", "\"x\", \"abc\"", "*", "W/\"abc\""] {
            assert!(matches(yes, "abc"), "{yes}");
        }
        for no in ["\"abd\"", "", "\"ab\""] {
            assert!(!matches(no, "abc"), "{no}");
        }
    }

    #[test]
    fn the_matrix_of_conditions_follows_the_rfc() {
        let modified = Timestamp::from_secs(100);
        let at = |s| Some(Timestamp::from_secs(s));
        let none = ReadConditions::default();
        let cases = [
            (ReadConditions { if_match: Some("e"), ..none.clone() }, Verdict::Go),
            (ReadConditions { if_match: Some("x"), ..none.clone() }, Verdict::Failed("If-Match")),
            (ReadConditions { if_unmodified_since: at(99), ..none.clone() }, Verdict::Failed("If-Unmodified-Since")),
            (ReadConditions { if_unmodified_since: at(100), ..none.clone() }, Verdict::Go),
            (ReadConditions { if_match: Some("e"), if_unmodified_since: at(1), ..none.clone() }, Verdict::Go),
            (ReadConditions { if_none_match: Some("e"), ..none.clone() }, Verdict::NotModified("If-None-Match")),
            (ReadConditions { if_none_match: Some("x"), ..none.clone() }, Verdict::Go),
            (ReadConditions { if_modified_since: at(100), ..none.clone() }, Verdict::NotModified("If-Modified-Since")),
            (ReadConditions { if_modified_since: at(99), ..none.clone() }, Verdict::Go),
            (ReadConditions { if_none_match: Some("x"), if_modified_since: at(200), ..none.clone() }, Verdict::Go),
            (
                ReadConditions { if_none_match: Some("e"), if_modified_since: at(1), ..none.clone() },
                Verdict::NotModified("If-None-Match"),
            ),
            (
                ReadConditions { if_match: Some("e"), if_none_match: Some("e"), ..none.clone() },
                Verdict::NotModified("If-None-Match"),
            ),
        ];
        for (conditions, verdict) in cases {
            assert_eq!(conditions.judge("e", modified), verdict, "{conditions:?}");
        }
    }
}
