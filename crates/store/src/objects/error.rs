//! What can go wrong with content on disk.

use std::io;

use base::{ApiError, ErrorKind};

/// A failed read or write of content. No object has become visible.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The disk (or the quota) that holds the data folder is full.
    #[error("the disk that holds the data folder is full: cannot {doing}")]
    DiskFull {
        doing: String,
        #[source]
        source: io::Error,
    },
    /// The blob is not there: it was deleted since its row was read, or the data folder is damaged.
    #[error("blob {blob} is not on disk")]
    Missing { blob: String },
    /// Any other trouble with the file system.
    #[error("cannot {doing}")]
    Io {
        doing: String,
        #[source]
        source: io::Error,
    },
    /// The thread that did the work panicked.
    #[error("the thread that wrote content panicked")]
    Panicked,
}

impl ObjectError {
    pub(super) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        let full = matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let doing = doing.into();
        if full { ObjectError::DiskFull { doing, source } } else { ObjectError::Io { doing, source } }
    }
}

impl From<ObjectError> for ApiError {
    fn from(e: ObjectError) -> Self {
        match e {
            ObjectError::DiskFull { .. } => {
                let message = "The server's disk is full: free space in its data folder and try again.";
                let mut error = ApiError::new("InsufficientStorage", message).with_status(507);
                error.kind = ErrorKind::Server;
                error
            }
            other @ (ObjectError::Missing { .. } | ObjectError::Io { .. } | ObjectError::Panicked) => {
                ApiError::internal(other)
            }
        }
    }
}
