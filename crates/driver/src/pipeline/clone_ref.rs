//! The artifact of a source with OutputArtifactFormat CODEBUILD_CLONE_REF: no files, but what a build clones.
//!
//! It is a small JSON document in place of a zip. Whoever reads it must be allowed to have what it names: it lies in a bucket
//! like any other object, and proves nothing.

use serde::{Deserialize, Serialize};

/// What is larger is no reference.
pub(crate) const MAX_BYTES: u64 = 64 << 10;

/// A commit to clone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CloneRef {
    /// 1: the form of this document.
    pub headworks_clone_ref: u32,
    pub origin: CloneOrigin,
    pub commit: String,
}

/// Where it is cloned from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum CloneOrigin {
    CodeCommit { repository: String },
    Connection { connection_arn: String, full_repository_id: String },
}

impl CloneRef {
    pub fn new(origin: CloneOrigin, commit: impl Into<String>) -> Self {
        CloneRef { headworks_clone_ref: 1, origin, commit: commit.into() }
    }

    /// The reference that an artifact is; `None` when it is something else.
    pub fn read(content: &[u8]) -> Option<Self> {
        let this: CloneRef = serde_json::from_slice(content).ok()?;
        (this.headworks_clone_ref == 1).then_some(this)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::json!(self).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_it_was_written_and_nothing_else_is_one() {
        let connection = CloneOrigin::Connection { connection_arn: "arn".into(), full_repository_id: "o/r".into() };
        for origin in [CloneOrigin::CodeCommit { repository: "app".into() }, connection] {
            let this = CloneRef::new(origin, "abc");
            assert_eq!(CloneRef::read(&this.to_bytes()), Some(this));
        }
        for other in
            ["", "{}", "PK", r#"{"headworksCloneRef":2,"origin":{"codeCommit":{"repository":"a"}},"commit":"b"}"#]
        {
            assert_eq!(CloneRef::read(other.as_bytes()), None, "{other}");
        }
    }
}
