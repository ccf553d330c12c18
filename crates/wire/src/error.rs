//! Errors that the protocols themselves give.

use base::ApiError;

use crate::model::Protocol;

/// The body cannot be read.
pub(crate) fn malformed(protocol: Protocol, message: impl Into<String>) -> ApiError {
    let code = match protocol {
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor | Protocol::RestJson => {
            "SerializationException"
        }
        Protocol::Query => "MalformedInput",
        Protocol::RestXml => "MalformedXML",
    };
    ApiError::new(code, message).with_status(400)
}

/// No service of ours is meant.
pub(crate) fn unknown_service(protocol: Protocol, named: &str) -> ApiError {
    match protocol {
        Protocol::Query => {
            ApiError::new("InvalidAction", format!("Could not find the service for {named}.")).with_status(400)
        }
        Protocol::RestXml => {
            ApiError::new("NotImplemented", format!("The service {named} is not served here.")).with_status(501)
        }
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor | Protocol::RestJson => {
            ApiError::new("UnknownOperationException", format!("The service {named} is not served here."))
                .with_status(404)
        }
    }
}

/// The service has no such operation.
pub(crate) fn unknown_operation(protocol: Protocol, service: &str, named: &str, version: &str) -> ApiError {
    match protocol {
        Protocol::Query => {
            ApiError::new("InvalidAction", format!("Could not find operation {named} for version {version}"))
                .with_status(400)
        }
        Protocol::RestXml => ApiError::new(
            "NotImplemented",
            format!("A header or query you provided implies functionality that is not implemented: {named}."),
        )
        .with_status(501),
        Protocol::AwsJson10 | Protocol::AwsJson11 | Protocol::RpcV2Cbor | Protocol::RestJson => {
            ApiError::new("UnknownOperationException", format!("The service {service} has no operation {named}."))
                .with_status(404)
        }
    }
}
