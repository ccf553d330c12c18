//! The `artifacts` section.

use super::reader::Reader;
use super::{ArtifactSpec, Artifacts};
use crate::Diagnostic;
use crate::yaml::Node;

const KEYS: &[&str] = &[
    "files",
    "name",
    "base-directory",
    "discard-paths",
    "exclude-paths",
    "enable-symlinks",
    "s3-prefix",
    "secondary-artifacts",
    "type",
];

pub(super) fn artifacts(r: &mut Reader, node: &Node) -> Option<Artifacts> {
    let secondary = r.entries("secondary-artifacts", node.get("secondary-artifacts"));
    let mut sets = Vec::new();
    for (identifier, key, value) in secondary {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if identifier.is_empty() || identifier.len() > 128 || !identifier.chars().all(word) {
            let found = Diagnostic::error("B031", key.span, format!("'{identifier}' is not an artifact identifier"));
            r.found.push(found.with_help("use letters, digits, '-' and '_', as in the project's secondary artifacts"));
        }
        if let Some(set) = one(r, &format!("secondary artifact '{identifier}'"), value, true) {
            sets.push((identifier.to_owned(), set));
        }
    }
    // With secondary sets many files leave the first set out, which CodeBuild bears.
    let primary = one(r, "artifacts", node, sets.is_empty())?;
    Some(Artifacts { primary, secondary: sets })
}

fn one(r: &mut Reader, place: &str, node: &Node, files_required: bool) -> Option<ArtifactSpec> {
    if node.as_mapping().is_none() {
        r.error("B001", node.span, format!("{place} must be a mapping with 'files', not {}", node.kind()));
        return None;
    }
    r.unknown_keys(place, node, KEYS);
    let files = r.list("files", node.get("files"));
    if files.is_empty() && files_required {
        let missing = Diagnostic::warning("B030", node.span, format!("'files' is missing in {place}"));
        r.found.push(missing.with_help("write \"files: ['**/*']\" for everything"));
    }
    never_matches(r, "files", node.get("files"));
    never_matches(r, "exclude-paths", node.get("exclude-paths"));
    leads_outside(r, "base-directory", node.get("base-directory"));
    Some(ArtifactSpec {
        files,
        name: r.optional("name", node),
        base_directory: r.optional("base-directory", node),
        exclude_paths: r.list("exclude-paths", node.get("exclude-paths")),
        discard_paths: r.flag("discard-paths", node.get("discard-paths")),
        enable_symlinks: r.flag("enable-symlinks", node.get("enable-symlinks")),
        s3_prefix: r.optional("s3-prefix", node),
    })
}

/// CodeBuild says nothing when it reads such a pattern; what it means is not among the files that are looked at.
pub(super) fn never_matches(r: &mut Reader, key: &str, node: Option<&Node>) {
    for item in items(node) {
        let text = item.as_text().unwrap_or_default();
        if text.starts_with('/') {
            let message = format!("'{text}' in {key} is absolute and matches nothing");
            let found = Diagnostic::warning("B033", item.span, message);
            r.found.push(match key {
                "files" => found.with_help("name the folder in 'base-directory', and in 'files' what is below it"),
                _ => found.with_help("write it as it is below 'base-directory'"),
            });
        }
    }
    leads_outside(r, key, node);
}

/// Files above the source folder are not collected.
pub(super) fn leads_outside(r: &mut Reader, key: &str, node: Option<&Node>) {
    for item in items(node) {
        let text = item.as_text().unwrap_or_default();
        let mut depth = 0_i32;
        let below = text.split('/').all(|part| {
            depth += match part {
                "" | "." => 0,
                ".." => -1,
                _ => 1,
            };
            depth >= 0
        });
        if !below {
            let found =
                Diagnostic::warning("B032", item.span, format!("'{text}' in {key} leads out of the source folder"));
            r.found.push(found.with_help("copy the files into the source folder in post_build"));
        }
    }
}

fn items(node: Option<&Node>) -> &[Node] {
    node.map_or(&[], |node| node.as_sequence().unwrap_or(std::slice::from_ref(node)))
}
