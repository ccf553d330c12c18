//! The errors of Secrets Manager, in AWS's words where they are known.

use base::ApiError;

/// Every code that the operations use, beside the general ones.
pub const CODES: &[&str] = &[
    "DecryptionFailure",
    "InvalidNextTokenException",
    "InvalidParameterException",
    "InvalidRequestException",
    "LimitExceededException",
    "ResourceExistsException",
    "ResourceNotFoundException",
];

pub(super) fn parameter(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidParameterException", message)
}

pub(super) fn request(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidRequestException", message)
}

pub(super) fn unsupported(member: &str, operation: &str) -> ApiError {
    parameter(format!("Headworks does not support the parameter {member} of {operation}."))
}

pub(super) fn no_secret() -> ApiError {
    ApiError::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
}

/// `what` is `staging label: AWSCURRENT` or `VersionId: ...`.
pub(super) fn no_value(what: &str) -> ApiError {
    let text = format!("Secrets Manager can't find the specified secret value for {what}");
    ApiError::new("ResourceNotFoundException", text)
}

pub(super) fn deleted() -> ApiError {
    request("You can't perform this operation on the secret because it was marked for deletion.")
}

pub(super) fn token_used(token: &str, arn: &str) -> ApiError {
    let text = format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    );
    ApiError::new("ResourceExistsException", text)
}

pub(super) fn bad_token() -> ApiError {
    ApiError::new("InvalidNextTokenException", "Invalid token specified.")
}

pub(super) fn too_many_tags() -> ApiError {
    parameter("A secret can have at most 50 tags.")
}

pub(super) fn limit() -> ApiError {
    ApiError::new("LimitExceededException", "A version of a secret can have at most 20 staging labels.")
}
