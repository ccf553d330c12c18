//! IAM's errors, in AWS's words.

use base::ApiError;
use formats::policy::PolicyError;

/// Every code that the operations use, beside the general ones.
pub const CODES: &[&str] = &[
    "DeleteConflict",
    "EntityAlreadyExists",
    "InvalidInput",
    "LimitExceeded",
    "MalformedPolicyDocument",
    "NoSuchEntity",
    "NotSupportedService",
];

fn no_such(message: impl Into<String>) -> ApiError {
    ApiError::new("NoSuchEntity", message).with_status(404)
}

pub(crate) fn no_user(name: &str) -> ApiError {
    no_such(format!("The user with name {name} cannot be found."))
}

pub(crate) fn no_role(name: &str) -> ApiError {
    no_such(format!("The role with name {name} cannot be found."))
}

pub(crate) fn no_access_key(id: &str) -> ApiError {
    no_such(format!("The Access Key with id {id} cannot be found."))
}

pub(crate) fn no_inline_policy(owner: &str, name: &str) -> ApiError {
    no_such(format!("The {owner} policy with name {name} cannot be found."))
}

pub(crate) fn no_policy(arn: &str) -> ApiError {
    no_such(format!("Policy {arn} was not found."))
}

pub(crate) fn not_attachable(arn: &str) -> ApiError {
    no_such(format!("Policy {arn} does not exist or is not attachable."))
}

pub(crate) fn no_policy_version(arn: &str, version: &str) -> ApiError {
    no_such(format!("Policy {arn} version {version} does not exist or is not attachable."))
}

pub(crate) fn no_service_credential(id: &str) -> ApiError {
    no_such(format!("The service-specific credential with id {id} cannot be found."))
}

pub(crate) fn no_boundary(name: &str) -> ApiError {
    no_such(format!("Role {name} does not have a permissions boundary."))
}

pub(crate) fn exists(message: impl Into<String>) -> ApiError {
    ApiError::new("EntityAlreadyExists", message).with_status(409)
}

pub(crate) fn delete_conflict(message: impl Into<String>) -> ApiError {
    ApiError::new("DeleteConflict", message).with_status(409)
}

pub(crate) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::new("LimitExceeded", message).with_status(409)
}

pub(crate) fn invalid_input(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidInput", message).with_status(400)
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message).with_status(400)
}

pub(crate) fn malformed(error: &PolicyError) -> ApiError {
    ApiError::new("MalformedPolicyDocument", error.to_string()).with_status(400)
}

pub(crate) fn service_not_supported(service: &str) -> ApiError {
    ApiError::new("NotSupportedService", format!("The service {service} is not supported.")).with_status(404)
}

/// The answer of an operation that stands in the registry only to say that it is not there.
pub(crate) fn not_implemented(operation: &str, instead: &str) -> ApiError {
    ApiError::new("NotImplemented", format!("Headworks does not implement {operation}: {instead}")).with_status(501)
}
