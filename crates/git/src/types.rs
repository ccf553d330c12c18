//! Ids, kinds and modes of objects.

use std::fmt;

/// The SHA-1 name of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 20]);

impl ObjectId {
    /// All zeros: "no object" in ref changes.
    pub const NULL: ObjectId = ObjectId([0; 20]);

    /// Forty hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut out = [0; 20];
        (text.len() == 40 && hex::decode_to_slice(text, &mut out).is_ok()).then_some(ObjectId(out))
    }

    /// Whether this is the null id.
    pub fn is_null(self) -> bool {
        self == ObjectId::NULL
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    pub(crate) fn to_gix(self) -> gix::ObjectId {
        gix::ObjectId::Sha1(self.0)
    }

    pub(crate) fn from_gix(id: &gix::oid) -> Self {
        let mut out = [0; 20];
        // Repositories are made with SHA-1 only, so the lengths agree.
        out.iter_mut().zip(id.as_bytes()).for_each(|(to, from)| *to = *from);
        ObjectId(out)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Blob,
    Tree,
    Commit,
    Tag,
}

impl Kind {
    pub(crate) fn from_gix(kind: gix::objs::Kind) -> Self {
        match kind {
            gix::objs::Kind::Blob => Kind::Blob,
            gix::objs::Kind::Tree => Kind::Tree,
            gix::objs::Kind::Commit => Kind::Commit,
            gix::objs::Kind::Tag => Kind::Tag,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Blob => "blob",
            Kind::Tree => "tree",
            Kind::Commit => "commit",
            Kind::Tag => "tag",
        })
    }
}

/// What an entry of a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// A regular file.
    File,
    /// A regular file that may be run.
    Executable,
    /// A symbolic link; its target is the blob's content.
    Link,
    /// A folder.
    Tree,
    /// A commit of another repository.
    Submodule,
}

impl Mode {
    /// Six octal digits, as git prints modes in diffs.
    pub fn octal(self) -> &'static str {
        match self {
            Mode::File => "100644",
            Mode::Executable => "100755",
            Mode::Link => "120000",
            Mode::Tree => "040000",
            Mode::Submodule => "160000",
        }
    }

    /// As tree objects spell it.
    pub(crate) fn in_tree(self) -> &'static str {
        match self {
            Mode::Tree => "40000",
            Mode::File | Mode::Executable | Mode::Link | Mode::Submodule => self.octal(),
        }
    }

    pub(crate) fn from_gix(kind: gix::objs::tree::EntryKind) -> Self {
        use gix::objs::tree::EntryKind;
        match kind {
            EntryKind::Blob => Mode::File,
            EntryKind::BlobExecutable => Mode::Executable,
            EntryKind::Link => Mode::Link,
            EntryKind::Tree => Mode::Tree,
            EntryKind::Commit => Mode::Submodule,
        }
    }

    /// Whether the entry's object is a blob.
    pub fn is_blob(self) -> bool {
        matches!(self, Mode::File | Mode::Executable | Mode::Link)
    }
}

/// A boxed future, as the traits of this crate return it.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
