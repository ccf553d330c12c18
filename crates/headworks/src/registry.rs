//! Every operation that we implement: one line each, in the order of services and names. What is not here
//! answers with an error that names it.

use std::collections::HashMap;
use std::sync::LazyLock;

use base::ApiError;
use futures_util::future::BoxFuture;
use platform::{ByteStream, Cx};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// How an operation is called; all values are canonical JSON.
#[derive(Clone, Copy)]
pub enum Handler {
    Plain(fn(Cx, Value) -> BoxFuture<'static, Result<Value, ApiError>>),
    /// The request's payload arrives as a stream.
    Upload(fn(Cx, Value, ByteStream) -> BoxFuture<'static, Result<Value, ApiError>>),
    /// The answer's payload leaves as a stream.
    Download(fn(Cx, Value) -> BoxFuture<'static, Result<(Value, ByteStream), ApiError>>),
}

/// One implemented operation.
pub struct Entry {
    /// The model's name, `codebuild` say.
    pub service: &'static str,
    /// The operation as AWS spells it.
    pub operation: &'static str,
    pub handler: Handler,
}

macro_rules! plain {
    ($service:literal, $operation:literal, $f:path) => {
        Entry {
            service: $service,
            operation: $operation,
            handler: Handler::Plain(|cx, input| Box::pin(async move { output($f(&cx, parse(input)?).await?) })),
        }
    };
}

macro_rules! upload {
    ($service:literal, $operation:literal, $f:path) => {
        Entry {
            service: $service,
            operation: $operation,
            handler: Handler::Upload(|cx, input, body| {
                Box::pin(async move { output($f(&cx, parse(input)?, body).await?) })
            }),
        }
    };
}

macro_rules! download {
    ($service:literal, $operation:literal, $f:path) => {
        Entry {
            service: $service,
            operation: $operation,
            handler: Handler::Download(|cx, input| {
                Box::pin(async move {
                    let (head, body) = $f(&cx, parse(input)?).await?;
                    Ok((output(head)?, body))
                })
            }),
        }
    };
}

/// The operations. Keep one line each, sorted.
#[rustfmt::skip]
pub static OPERATIONS: &[Entry] = &[
];

/// The entry of an operation, if we have it.
pub fn find(service: &str, operation: &str) -> Option<&'static Entry> {
    static BY_NAME: LazyLock<HashMap<(&str, &str), &Entry>> =
        LazyLock::new(|| OPERATIONS.iter().map(|e| ((e.service, e.operation), e)).collect());
    BY_NAME.get(&(service, operation)).copied()
}

/// The wire has checked the input against the model, so a mismatch here is our bug.
fn parse<T: DeserializeOwned>(input: Value) -> Result<T, ApiError> {
    serde_json::from_value(input).map_err(ApiError::internal)
}

fn output<T: Serialize>(output: T) -> Result<Value, ApiError> {
    serde_json::to_value(output).map_err(ApiError::internal)
}
