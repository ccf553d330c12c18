//! The errors of Parameter Store, in AWS's words where they are known.

use base::ApiError;

/// Every code that the operations use, beside the general ones.
pub const CODES: &[&str] = &[
    "HierarchyLevelLimitExceededException",
    "HierarchyTypeMismatchException",
    "InternalServerError",
    "InvalidAllowedPatternException",
    "InvalidFilterKey",
    "InvalidFilterOption",
    "InvalidFilterValue",
    "InvalidKeyId",
    "InvalidNextToken",
    "InvalidResourceId",
    "InvalidResourceType",
    "ParameterAlreadyExists",
    "ParameterMaxVersionLimitExceeded",
    "ParameterNotFound",
    "ParameterPatternMismatchException",
    "ParameterVersionLabelLimitExceeded",
    "ParameterVersionNotFound",
    "TooManyTagsError",
];

pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message).with_status(400)
}

pub(super) fn unsupported(member: &str) -> ApiError {
    validation(format!("Headworks does not support the parameter {member} of PutParameter."))
}

/// Deviation: AWS answers with an empty message.
pub(super) fn not_found(name: &str) -> ApiError {
    ApiError::new("ParameterNotFound", format!("Parameter {name} not found."))
}

pub(super) fn no_version(name: &str, version: i64) -> ApiError {
    let text = format!("Systems Manager could not find version {version} of {name}. Verify the version and try again.");
    ApiError::new("ParameterVersionNotFound", text)
}

pub(super) fn no_label(name: &str, label: &str) -> ApiError {
    let text =
        format!("Systems Manager could not find label {label} for parameter {name}. Verify the label and try again.");
    ApiError::new("ParameterVersionNotFound", text)
}

pub(super) fn exists() -> ApiError {
    let text =
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.";
    ApiError::new("ParameterAlreadyExists", text)
}

pub(super) fn bad_token() -> ApiError {
    ApiError::new("InvalidNextToken", "The specified token isn't valid.")
}

pub(super) fn bad_filter(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(code, message)
}

pub(super) fn no_resource(id: &str) -> ApiError {
    ApiError::new("InvalidResourceId", format!("The resource ID \"{id}\" is not valid. Verify the ID and try again."))
}

pub(super) fn bad_resource_type(kind: &str) -> ApiError {
    let text = format!("{kind} is not a valid resource type here: Headworks tags resources of type Parameter alone.");
    ApiError::new("InvalidResourceType", text)
}

pub(super) fn too_many_tags() -> ApiError {
    ApiError::new("TooManyTagsError", "The request exceeds the limit of 50 tags for a parameter.")
}
