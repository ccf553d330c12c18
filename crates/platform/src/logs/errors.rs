//! The errors of CloudWatch Logs, in AWS's words.

use base::ApiError;

/// Every code that the operations use, beside the general ones.
pub const CODES: &[&str] = &[
    "InvalidParameterException",
    "ResourceAlreadyExistsException",
    "ResourceNotFoundException",
    "TooManyTagsException",
];

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterException", message)
}

pub(super) fn bad_token() -> ApiError {
    invalid("The specified nextToken is invalid.")
}

pub(super) fn no_group() -> ApiError {
    ApiError::new("ResourceNotFoundException", "The specified log group does not exist.")
}

pub(super) fn no_stream() -> ApiError {
    ApiError::new("ResourceNotFoundException", "The specified log stream does not exist.")
}

pub(super) fn group_exists() -> ApiError {
    ApiError::new("ResourceAlreadyExistsException", "The specified log group already exists")
}

pub(super) fn stream_exists() -> ApiError {
    ApiError::new("ResourceAlreadyExistsException", "The specified log stream already exists")
}

pub(super) fn too_many_tags() -> ApiError {
    ApiError::new("TooManyTagsException", "A log group can have at most 50 tags.")
}
