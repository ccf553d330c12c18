//! S3's errors, in AWS's wording ("Error responses" in the S3 API reference).

use base::ApiError;

/// All codes that this service answers with. S3's model names only a few of them.
pub const CODES: &[&str] = &[
    "AccessControlListNotSupported",
    "AccessDenied",
    "BadDigest",
    "BadRequest",
    "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou",
    "BucketNotEmpty",
    "EntityTooLarge",
    "EntityTooSmall",
    "IllegalLocationConstraintException",
    "IllegalVersioningConfigurationException",
    "IncompleteBody",
    "InsufficientStorage",
    "InvalidArgument",
    "InvalidBucketName",
    "InvalidDigest",
    "InvalidLocationConstraint",
    "InvalidPart",
    "InvalidPartNumber",
    "InvalidPartOrder",
    "InvalidRange",
    "InvalidRequest",
    "InvalidStorageClass",
    "InvalidTag",
    "KeyTooLongError",
    "MalformedXML",
    "MetadataTooLarge",
    "MethodNotAllowed",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchCORSConfiguration",
    "NoSuchKey",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "NoSuchUpload",
    "NoSuchVersion",
    "NoSuchWebsiteConfiguration",
    "NotImplemented",
    "NotModified",
    "ObjectLockConfigurationNotFoundError",
    "PreconditionFailed",
    "ReplicationConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
    "XAmzContentChecksumMismatch",
];

pub fn no_such_bucket(bucket: &str) -> ApiError {
    ApiError::new("NoSuchBucket", "The specified bucket does not exist")
        .with_status(404)
        .with_member("BucketName", bucket)
}

pub fn no_such_key(key: &str) -> ApiError {
    ApiError::new("NoSuchKey", "The specified key does not exist.").with_status(404).with_member("Key", key)
}

pub fn no_such_version(key: &str, version: &str) -> ApiError {
    ApiError::new("NoSuchVersion", "The specified version does not exist.")
        .with_status(404)
        .with_member("Key", key)
        .with_member("VersionId", version)
}

pub fn no_such_upload(upload: &str) -> ApiError {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                   aborted or completed.";
    ApiError::new("NoSuchUpload", message).with_status(404).with_member("UploadId", upload)
}

pub fn access_denied() -> ApiError {
    ApiError::new("AccessDenied", "Access Denied").with_status(403)
}

pub fn invalid_argument(name: &'static str, value: impl Into<String>, message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidArgument", message)
        .with_status(400)
        .with_member("ArgumentName", name)
        .with_member("ArgumentValue", value.into())
}

pub fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::new("InvalidRequest", message).with_status(400)
}

/// What the request asks for is real in AWS and does not exist here.
pub fn not_implemented(what: &str) -> ApiError {
    ApiError::new("NotImplemented", format!("{what} is not implemented by this server.")).with_status(501)
}

pub fn precondition_failed(condition: &'static str) -> ApiError {
    ApiError::new("PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
        .with_status(412)
        .with_member("Condition", condition)
}

pub fn bad_digest(what: &str) -> ApiError {
    let message = match what {
        "Content-MD5" => "The Content-MD5 you specified did not match what we received.".to_owned(),
        other => format!("The {other} you specified did not match the calculated checksum."),
    };
    ApiError::new("BadDigest", message).with_status(400)
}

pub fn incomplete_body() -> ApiError {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    ApiError::new("IncompleteBody", message).with_status(400)
}

pub fn too_large(limit: u64, size: u64) -> ApiError {
    ApiError::new("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        .with_status(400)
        .with_member("MaxSizeAllowed", limit)
        .with_member("ProposedSize", size)
}

pub fn malformed_xml() -> ApiError {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    ApiError::new("MalformedXML", message).with_status(400)
}

pub fn simple(code: &'static str, status: u16, message: &str) -> ApiError {
    ApiError::new(code, message).with_status(status)
}
