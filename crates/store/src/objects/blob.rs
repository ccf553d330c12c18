//! Names of blobs.

use std::fmt;

/// The name of one blob: 32 hexadecimal digits, so that it is always safe as a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(String);

impl BlobId {
    /// 32 lower-case hexadecimal digits, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let ok = text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        ok.then(|| BlobId(text.to_owned()))
    }

    pub(super) fn from_uuid(uuid: uuid::Uuid) -> Self {
        BlobId(uuid.simple().to_string())
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder that the blob lies in. The last digits spread evenly even for ids that a test counts up.
    pub(super) fn shard(&self) -> &str {
        self.0.get(30..).unwrap_or("00")
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
