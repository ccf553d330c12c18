//! The modelled errors that these operations give.

use base::ApiError;

/// Every code that these operations use.
pub const CODES: &[&str] =
    &["LimitExceededException", "ResourceNotFoundException", "ResourceUnavailableException", "ValidationException"];

pub(super) fn not_found(arn: &str) -> ApiError {
    ApiError::new("ResourceNotFoundException", format!("Resource not found: {arn}"))
}

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

pub(super) fn unavailable(message: impl Into<String>) -> ApiError {
    ApiError::new("ResourceUnavailableException", message)
}

pub(super) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::new("LimitExceededException", message)
}
