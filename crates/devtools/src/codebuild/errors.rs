//! The modelled errors, with AWS's wording where it is known.

use base::{ApiError, Arn};

/// Every code that this service answers with.
pub const CODES: &[&str] = &["InvalidInputException", "ResourceAlreadyExistsException", "ResourceNotFoundException"];

pub(super) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidInputException", message)
}

/// A member of the model that would have no effect here.
pub(super) fn unsupported(member: &str) -> ApiError {
    invalid(format!("{member} is not supported by this server yet; leave it out"))
}

pub(super) fn project_exists(arn: &Arn) -> ApiError {
    ApiError::new("ResourceAlreadyExistsException", format!("Project already exists: {arn}"))
}

pub(super) fn project_not_found(arn: &Arn) -> ApiError {
    ApiError::new("ResourceNotFoundException", format!("Project cannot be found: {arn}"))
}

pub(super) fn build_not_found(id: &str) -> ApiError {
    ApiError::new("ResourceNotFoundException", format!("Build {id} does not exist"))
}

pub(super) fn batch_not_found(id: &str) -> ApiError {
    ApiError::new("ResourceNotFoundException", format!("Build batch {id} does not exist"))
}

pub(super) fn sandbox_not_found(id: &str) -> ApiError {
    not_found(format!("Sandbox {id} does not exist"))
}

pub(super) fn exists(message: impl Into<String>) -> ApiError {
    ApiError::new("ResourceAlreadyExistsException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::new("ResourceNotFoundException", message)
}

pub(super) fn webhook_not_found(project: &str) -> ApiError {
    not_found(format!("Webhook does not exist for project {project}"))
}
