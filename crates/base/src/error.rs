//! Errors as clients see them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// What a service's error enum tells the wire: implemented by hand beside each service's variants.
pub trait ServiceError: Error {
    /// The modelled error code, `ResourceNotFoundException` say.
    fn code(&self) -> &'static str;
}

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The request was wrong: a 4xx status, or what the model says for the code.
    Client,
    /// We failed: a 5xx status; the client may try again.
    Server,
}

/// An operation's failure: the modelled code, AWS's wording, and (for the log alone) the cause.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub code: &'static str,
    pub message: String,
    pub kind: ErrorKind,
    /// The HTTP status where the model does not settle it (S3 and the general errors).
    pub status: Option<u16>,
    /// Further modelled members of the error shape, in canonical JSON.
    pub members: BTreeMap<&'static str, serde_json::Value>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl ApiError {
    /// A client's error.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        ApiError {
            code,
            message: message.into(),
            kind: ErrorKind::Client,
            status: None,
            members: BTreeMap::new(),
            source: None,
        }
    }

    /// Our own failure. The client sees only the request id; the cause goes to the log.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        ApiError {
            kind: ErrorKind::Server,
            status: Some(500),
            source: Some(Arc::from(cause.into())),
            ..ApiError::new("InternalFailure", "The request processing has failed because of an unknown error.")
        }
    }

    /// A failure of ours that the client may know the reason of.
    pub fn server(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        ApiError { kind: ErrorKind::Server, status: Some(status), ..ApiError::new(code, message) }
    }

    /// Sets the HTTP status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds a modelled member to the error's body.
    pub fn with_member(mut self, name: &'static str, value: impl Into<serde_json::Value>) -> Self {
        self.members.insert(name, value.into());
        self
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn Error + 'static))
    }
}

impl<E: ServiceError> From<E> for ApiError {
    fn from(error: E) -> Self {
        ApiError::new(error.code(), error.to_string())
    }
}
