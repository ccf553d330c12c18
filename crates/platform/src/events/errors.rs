//! The errors of EventBridge, in AWS's words where they are known.

use base::ApiError;
use formats::event_pattern::EventPatternError;

/// Every code that the operations use, beside the general ones.
pub const CODES: &[&str] = &["InvalidEventPatternException", "LimitExceededException", "ResourceNotFoundException"];

pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message).with_status(400)
}

pub(super) fn no_rule(name: &str) -> ApiError {
    ApiError::new("ResourceNotFoundException", format!("Rule {name} does not exist on EventBus default."))
}

pub(super) fn no_bus(name: &str) -> ApiError {
    ApiError::new("ResourceNotFoundException", format!("Event bus {name} does not exist."))
}

pub(super) fn bad_pattern(error: &EventPatternError) -> ApiError {
    ApiError::new("InvalidEventPatternException", format!("Event pattern is not valid. Reason: {error}"))
}

pub(super) fn too_many() -> ApiError {
    ApiError::new("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

pub(super) fn bad_token() -> ApiError {
    validation("The specified nextToken is not valid.")
}

pub(super) fn too_many_tags() -> ApiError {
    validation("A rule can have at most 50 tags.")
}
