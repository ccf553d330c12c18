//! A request whose operation is known.

use crate::model::{Operation, Protocol, Service};

/// A request whose operation is known.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service meant.
    pub service: &'static Service,
    /// The operation meant.
    pub operation: &'static Operation,
    /// The protocol that request and answer are written in.
    pub protocol: Protocol,
    /// The decoded labels of the path, by their names on the wire.
    pub(crate) labels: Vec<(&'static str, String)>,
    /// The request was a HEAD: answers have no body.
    pub(crate) head: bool,
}

impl Call {
    /// A decoded label of the path: `Bucket`, `Key`, `FunctionName`.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(n, _)| *n == name).map(|(_, value)| &**value)
    }

    /// Whether the request's body goes to the operation as a stream: [`crate::decode`] then takes an empty body.
    pub fn has_streaming_input(&self) -> bool {
        self.operation.streams().0
    }

    /// Whether the operation answers with a stream: [`crate::encode`] then gives the head alone.
    pub fn has_streaming_output(&self) -> bool {
        self.operation.streams().1
    }

    /// A call as if it had come in by `protocol`, for tests and for answers to requests that are not HTTP.
    pub fn new(service: &'static Service, operation: &'static Operation, protocol: Protocol) -> Self {
        Call { service, operation, protocol, labels: Vec::new(), head: false }
    }
}

/// Whether the request's body goes to the operation as a stream; [`crate::decode`] then takes an empty body.
pub fn has_streaming_input(call: &Call) -> bool {
    call.has_streaming_input()
}

/// Whether the operation answers with a stream; [`crate::encode`] then gives the head alone.
pub fn has_streaming_output(call: &Call) -> bool {
    call.has_streaming_output()
}
