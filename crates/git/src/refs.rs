//! Refs: their names, their changes, and the copy of them on disk.

use std::fmt::Write as _;

use crate::{Error, ObjectId, Repository};

/// One wanted change of a ref. A null `old` creates, a null `new` deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefChange {
    /// The full name, `refs/heads/main` say.
    pub name: String,
    /// What the ref must point at now; null when it must not exist.
    pub old: ObjectId,
    /// What it shall point at; null to delete it.
    pub new: ObjectId,
}

/// Whether git would take `name` as the full name of a ref below `refs/`, of a length that we store.
pub fn valid_ref_name(name: &str) -> bool {
    // Two components below refs/ at least, as git demands of pushed refs.
    name.len() <= 1024
        && name.strip_prefix("refs/").is_some_and(|rest| rest.contains('/'))
        && gix::validate::reference::name(name.into()).is_ok()
}

const HEADER: &str = "# pack-refs with: sorted mirror-";

/// The text of `packed-refs`. Git ignores traits that it does not know, so the header can carry our number.
pub(crate) fn packed(refs: &[(String, ObjectId)], number: i64) -> String {
    let mut sorted: Vec<_> = refs.iter().collect();
    sorted.sort();
    let mut out = format!("{HEADER}{number} \n");
    for (name, id) in sorted {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{id} {name}");
    }
    out
}

/// The number in the header, or `None` when we did not write this file.
pub(crate) fn mirror_number(packed: &str) -> Option<i64> {
    packed.strip_prefix(HEADER)?.split(' ').next()?.parse().ok()
}

pub(crate) fn parse_packed(packed: &str) -> Vec<(String, ObjectId)> {
    let line = |line: &str| {
        let (id, name) = line.split_once(' ')?;
        Some((name.to_owned(), ObjectId::parse(id)?))
    };
    packed.lines().filter(|l| !l.starts_with(['#', '^'])).filter_map(line).collect()
}

impl Repository {
    /// The commit that `revision` names: a full commit id, `HEAD`, a full ref name, a branch or a tag, in this order.
    /// Names are looked up in the copy of the refs on disk; a caller with a store asks there first.
    pub fn resolve(&self, revision: &str) -> Result<ObjectId, Error> {
        let none = || Error::NoRevision(revision.to_owned());
        if let Some(id) = ObjectId::parse(revision) {
            return match self.objects()?.peel_to_commit(id) {
                Err(Error::NoObject(_) | Error::WrongKind { .. }) => Err(none()),
                other => other,
            };
        }
        let refs = self.mirrored_refs()?;
        let find = |name: &str| refs.iter().find(|(n, _)| n == name).map(|(_, id)| *id);
        let id = match revision {
            "HEAD" => self.mirrored_head()?.and_then(|head| find(&head)),
            name if name.starts_with("refs/") => find(name),
            name => find(&format!("refs/heads/{name}")).or_else(|| find(&format!("refs/tags/{name}"))),
        };
        self.objects()?.peel_to_commit(id.ok_or_else(none)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_keeps_refs_and_its_number() {
        let id = ObjectId::parse("00112233445566778899aabbccddeeff00112233").unwrap();
        let refs = vec![("refs/tags/v1".to_owned(), id), ("refs/heads/main".to_owned(), id)];
        let text = packed(&refs, 17);
        assert_eq!(mirror_number(&text), Some(17));
        let mut back = parse_packed(&text);
        assert_eq!(back.first().map(|(n, _)| n.as_str()), Some("refs/heads/main"));
        back.reverse();
        assert_eq!(back, refs);
    }

    #[test]
    fn hostile_ref_names_are_refused() {
        for good in ["refs/heads/main", "refs/heads/feature/ü-1", "refs/tags/v1.0", "refs/notes/commits"] {
            assert!(valid_ref_name(good), "{good}");
        }
        let long = format!("refs/heads/{}", "x".repeat(1100));
        for bad in [
            "",
            "HEAD",
            "main",
            "refs/main",
            "refs/heads/",
            "refs/heads/../../config",
            "refs/heads/a..b",
            "refs/heads/.a",
            "refs/heads/a.lock",
            "refs/heads/a b",
            "refs/heads/a~1",
            "refs/heads/a\nb",
            "refs/heads/a\u{7f}",
            "refs/heads//a",
            "/refs/heads/a",
            "refs/heads/a@{1}",
            "refs/heads/a\\b",
            "refs/heads/*",
            long.as_str(),
        ] {
            assert!(!valid_ref_name(bad), "{bad:?}");
        }
    }
}
