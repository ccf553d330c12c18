//! References to variables, `#{namespace.key}`, inside configuration values.

use std::ops::Range;

/// One reference found in a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The bytes of the value that the reference takes, `#{` and `}` included.
    pub span: Range<usize>,
    /// What stands between the braces.
    pub text: &'a str,
}

impl<'a> Reference<'a> {
    /// Namespace and key, when the text has that form.
    pub fn parts(&self) -> Option<(&'a str, &'a str)> {
        let (namespace, key) = self.text.split_once('.')?;
        let ok = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'-' | b'_'))
        };
        (ok(namespace) && ok(key)).then_some((namespace, key))
    }
}

/// A reference that has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// What stands between the braces.
    pub text: String,
}

/// The references in `value`, from left to right. An opening `#{` without a `}` behind it is plain text.
pub fn references(value: &str) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = value.get(from..).and_then(|rest| rest.find("#{")).map(|at| from + at) {
        let body = start + 2;
        let Some(end) = value.get(body..).and_then(|rest| rest.find('}')).map(|at| body + at) else {
            break;
        };
        found.push(Reference { span: start..end + 1, text: value.get(body..end).unwrap_or_default() });
        from = end + 1;
    }
    found
}

/// `value` with every reference replaced by what `lookup(namespace, key)` gives. Replaced text is not looked at again,
/// so a variable's value cannot smuggle in a reference.
pub fn resolve(value: &str, lookup: impl Fn(&str, &str) -> Option<String>) -> Result<String, Unresolved> {
    let mut out = String::with_capacity(value.len());
    let mut done = 0;
    for reference in references(value) {
        let resolved = reference.parts().and_then(|(namespace, key)| lookup(namespace, key));
        let resolved = resolved.ok_or_else(|| Unresolved { text: reference.text.to_owned() })?;
        out.push_str(value.get(done..reference.span.start).unwrap_or_default());
        out.push_str(&resolved);
        done = reference.span.end;
    }
    out.push_str(value.get(done..).unwrap_or_default());
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(namespace: &str, key: &str) -> Option<String> {
        match (namespace, key) {
            ("Source", "CommitId") => Some("8cf40f2".to_owned()),
            ("Evil", "Message") => Some("#{Source.CommitId}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn references_are_replaced_and_the_rest_is_kept() {
        assert_eq!(resolve("a #{Source.CommitId} b #{Source.CommitId}", lookup).as_deref(), Ok("a 8cf40f2 b 8cf40f2"));
        assert_eq!(resolve("no # { here #{", lookup).as_deref(), Ok("no # { here #{"));
        assert_eq!(resolve("ä#{Source.CommitId}ö", lookup).as_deref(), Ok("ä8cf40f2ö"));
    }

    #[test]
    fn a_value_that_looks_like_a_reference_is_not_resolved_again() {
        assert_eq!(resolve("#{Evil.Message}", lookup).as_deref(), Ok("#{Source.CommitId}"));
    }

    #[test]
    fn what_has_no_value_is_named() {
        assert_eq!(resolve("#{Source.Nope}", lookup), Err(Unresolved { text: "Source.Nope".to_owned() }));
        assert_eq!(resolve("#{Nope}", lookup), Err(Unresolved { text: "Nope".to_owned() }));
    }
}
