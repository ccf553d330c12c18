//! The modelled errors that these operations give.

use base::ApiError;

/// Every code that these operations use.
pub const CODES: &[&str] = &[
    "ConfigurationException",
    "InvalidNextTokenException",
    "LimitExceededException",
    "ResourceAlreadyExistsException",
    "ResourceNotFoundException",
    "ValidationException",
];

pub(super) fn not_found(arn: &str) -> ApiError {
    ApiError::new("ResourceNotFoundException", format!("Notification rule does not exist: {arn}"))
}

pub(super) fn exists(name: &str) -> ApiError {
    ApiError::new("ResourceAlreadyExistsException", format!("A notification rule with the name {name} already exists"))
}

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

pub(super) fn configuration(message: String) -> ApiError {
    ApiError::new("ConfigurationException", message)
}

pub(super) fn limit(message: String) -> ApiError {
    ApiError::new("LimitExceededException", message)
}

pub(super) fn next_token() -> ApiError {
    ApiError::new("InvalidNextTokenException", "The next token is not valid")
}
