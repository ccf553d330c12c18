//! Patterns that let in more than they say.

use super::{Filter, FilterKind};

/// What is dangerous about filter groups. A pattern is found anywhere: an account number that is not anchored also
/// lets in each longer number that holds it, which a stranger can register; `refs/heads/main` lets in
/// `refs/heads/main-of-mine`.
pub fn lint(groups: &[Vec<Filter>]) -> Vec<String> {
    let filters = groups.iter().flatten().filter(|filter| !filter.exclude_matched_pattern);
    let of_identity = filters.filter(|filter| match filter.kind {
        FilterKind::ActorAccountId
        | FilterKind::BaseRef
        | FilterKind::HeadRef
        | FilterKind::TagName
        | FilterKind::RepositoryName
        | FilterKind::OrganizationName => true,
        FilterKind::Event
        | FilterKind::FilePath
        | FilterKind::CommitMessage
        | FilterKind::WorkflowName
        | FilterKind::ReleaseName => false,
    });
    of_identity
        .filter(|filter| !is_anchored(&filter.pattern))
        .map(|filter| {
            let (name, pattern) = (filter.kind.name(), &filter.pattern);
            format!("{name} pattern {pattern:?} is not anchored: it also matches longer texts; write '^(?:{pattern})$'")
        })
        .collect()
}

/// Every alternative begins with `^` and ends with `$` (or `.*`, which says that more may come).
fn is_anchored(pattern: &str) -> bool {
    let whole = pattern.strip_prefix("^(").and_then(|p| p.strip_suffix(")$"));
    if whole.is_some_and(balanced) {
        return true;
    }
    top_level(pattern).iter().all(|part| {
        let ends = (part.ends_with('$') && !part.ends_with("\\$")) || part.ends_with(".*");
        part.starts_with('^') && ends
    })
}

/// No bracket closes before it was opened: the outer pair encloses everything.
fn balanced(inside: &str) -> bool {
    let mut depth = 0_i32;
    let mut escaped = false;
    for c in inside.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// The alternatives outside of brackets.
fn top_level(pattern: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth, mut escaped) = (Vec::new(), String::new(), 0_i32, false);
    for c in pattern.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '|' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_let_in_more_than_they_say_are_named() {
        let filter = |kind, pattern: &str| Filter { kind, pattern: pattern.to_owned(), exclude_matched_pattern: false };
        for bad in ["123456", "^123456|789$", "123$", "^refs/heads/main", "^a$|b"] {
            assert_eq!(lint(&[vec![filter(FilterKind::ActorAccountId, bad)]]).len(), 1, "{bad}");
        }
        for good in ["^123456$", "^(?:1|2)$", "^1$|^2$", "^(1|2)$", "^refs/heads/release-.*"] {
            assert!(lint(&[vec![filter(FilterKind::HeadRef, good)]]).is_empty(), "{good}");
        }
        assert_eq!(lint(&[vec![filter(FilterKind::HeadRef, "^(a)|(b)$")]]).len(), 1);
        assert!(lint(&[vec![filter(FilterKind::CommitMessage, "release")]]).is_empty());
    }
}
