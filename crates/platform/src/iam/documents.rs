//! Checks of documents and their sizes, which AWS counts without white space.

use base::ApiError;
use formats::policy::{Kind, parse};

use super::errors;

fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// A role's trust policy.
pub(crate) fn trust(document: &str) -> Result<(), ApiError> {
    if size(document) > 4096 {
        return Err(errors::limit("Cannot exceed quota for ACLSizePerRole: 4096"));
    }
    parse(document, Kind::Trust).map(|_| ()).map_err(|e| errors::malformed(&e))
}

/// A managed policy.
pub(crate) fn managed(document: &str) -> Result<(), ApiError> {
    if size(document) > 6144 {
        return Err(errors::limit("Cannot exceed quota for PolicySize: 6144"));
    }
    parse(document, Kind::Identity).map(|_| ()).map_err(|e| errors::malformed(&e))
}

/// An inline policy of a `kind` (`user` or `role`) that has others already.
pub(crate) fn inline(document: &str, others: &[(String, String)], kind: &str, name: &str) -> Result<(), ApiError> {
    parse(document, Kind::Identity).map_err(|e| errors::malformed(&e))?;
    let most = if kind == "role" { 10_240 } else { 2048 };
    let all: usize = others.iter().map(|(_, d)| size(d)).sum::<usize>() + size(document);
    if all > most {
        return Err(errors::limit(format!("Maximum policy size of {most} bytes exceeded for {kind} {name}")));
    }
    Ok(())
}
