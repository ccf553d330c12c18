//! What can go wrong with a repository.

use std::io;
use std::path::{Path, PathBuf};

use crate::{Kind, ObjectId};

/// The status of a program that could not be started.
pub(crate) const NOT_STARTED: &str = "not started";

/// A failure of a repository, its objects or the `git` program.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No repository has this id (any more).
    #[error("repository {0} does not exist")]
    NoRepository(String),
    /// The id is not of the form that we give to repositories.
    #[error("{0:?} is not the id of a repository")]
    BadId(String),
    /// No such object.
    #[error("object {0} does not exist")]
    NoObject(ObjectId),
    /// The object is there, but of another kind.
    #[error("object {id} is a {found}, not a {wanted}")]
    WrongKind { id: ObjectId, found: Kind, wanted: Kind },
    /// A revision that names nothing.
    #[error("revision {0:?} does not exist")]
    NoRevision(String),
    /// The client's part of the protocol is malformed.
    #[error("the client broke the git protocol: {0}")]
    Protocol(&'static str),
    /// The tree cannot be written as files.
    #[error("the tree holds {0:?}, which cannot be written as a file")]
    UnsafePath(String),
    /// What was committed is not what git wants there.
    #[error("{what}: {why}")]
    Malformed { what: &'static str, why: String },
    /// More than we take into memory at once.
    #[error("{what} has {bytes} bytes, more than the {limit} that are read here")]
    TooLarge { what: String, bytes: u64, limit: u64 },
    /// An edit that does not fit the tree.
    #[error("{0}")]
    Edit(#[from] EditConflict),
    /// The `git` program failed.
    #[error("git {command} failed ({status}): {stderr}")]
    Git { command: &'static str, status: String, stderr: String },
    /// The disk failed.
    #[error("{doing} {}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// Objects could not be read or written.
    #[error("{doing}")]
    Objects { doing: String, source: Box<dyn std::error::Error + Send + Sync> },
}

/// Why a file cannot be put where an edit wants it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditConflict {
    /// The path names a folder.
    #[error("{0} is a folder")]
    IsFolder(String),
    /// A parent of the path is a file.
    #[error("a parent folder of {0} is a file")]
    ParentIsFile(String),
    /// The path or a parent of it is a submodule.
    #[error("{0} lies in a submodule")]
    InSubmodule(String),
    /// Nothing is there.
    #[error("{0} does not exist")]
    Missing(String),
}

impl Error {
    /// Whether it lies in what was committed: trying again does not help.
    pub fn is_content(&self) -> bool {
        matches!(self, Error::UnsafePath(_) | Error::TooLarge { .. } | Error::Malformed { .. })
    }

    /// A failure of the program that lies in what was committed; others (it was not started, say) stay as they are.
    pub(crate) fn of_content(self, what: &'static str) -> Error {
        match self {
            Error::Git { status, stderr, .. } if status != NOT_STARTED => Error::Malformed { what, why: stderr },
            other => other,
        }
    }

    pub(crate) fn io(doing: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Error {
        let path = path.as_ref().to_owned();
        move |source| Error::Io { doing, path, source }
    }

    pub(crate) fn objects<E>(doing: impl Into<String>) -> impl FnOnce(E) -> Error
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let doing = doing.into();
        move |source| Error::Objects { doing, source: source.into() }
    }
}
