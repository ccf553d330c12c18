//! Which server speaks, and what it says.

use serde_json::Value;

use super::{Delivered, bitbucket, github, gitlab};

/// The formats of deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    GitHub,
    GitLab,
    Bitbucket,
}

impl Format {
    /// The format of a source type's server.
    pub fn of(source_type: &str) -> Option<Format> {
        match source_type {
            "GITHUB" | "GITHUB_ENTERPRISE" => Some(Format::GitHub),
            "GITLAB" | "GITLAB_SELF_MANAGED" => Some(Format::GitLab),
            "BITBUCKET" => Some(Format::Bitbucket),
            _ => None,
        }
    }
}

/// Reads a delivery of kind `kind` (the header X-GitHub-Event, X-Gitlab-Event or X-Event-Key). An error says what is
/// missing in its body.
pub fn read(format: Format, kind: &str, body: &[u8]) -> Result<Delivered, String> {
    let body: Value = serde_json::from_slice(body).map_err(|e| format!("the body is not JSON: {e}"))?;
    if !body.is_object() {
        return Err("the body is not a JSON object".to_owned());
    }
    match format {
        Format::GitHub => github::read(kind, &body),
        Format::GitLab => gitlab::read(kind, &body),
        Format::Bitbucket => bitbucket::read(kind, &body),
    }
}

/// The text at a JSON pointer.
pub(super) fn text(body: &Value, pointer: &str) -> Option<String> {
    match body.pointer(pointer)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The text at a JSON pointer, or what is missing.
pub(super) fn must(body: &Value, pointer: &str) -> Result<String, String> {
    text(body, pointer).ok_or_else(|| format!("the body has no {}", pointer.trim_start_matches('/').replace('/', ".")))
}

/// A commit id of zeros stands for none.
pub(super) fn commit(text: Option<String>) -> Option<String> {
    text.filter(|id| id.bytes().any(|b| b != b'0'))
}

/// The approval in a comment: a line `/codebuild_run(COMMIT)`.
pub(super) fn approved_commit(comment: &str) -> Option<String> {
    let line = comment.lines().map(str::trim).find(|line| line.starts_with("/codebuild_run"))?;
    let inside = line.strip_prefix("/codebuild_run")?.trim().strip_prefix('(')?.strip_suffix(')')?.trim();
    let good = (7..=40).contains(&inside.len()) && inside.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| inside.to_ascii_lowercase())
}
