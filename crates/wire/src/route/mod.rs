//! Which operation of which service a request means, and in which protocol.

mod call;
mod find;
mod host;
mod rest;

pub use call::{Call, has_streaming_input, has_streaming_output};
pub(crate) use find::guess;
pub use find::{route, wants_form};
pub use host::{AwsHost, EndpointHosts, aws_host};
