//! Every error code that an operation may answer with is in its service's model, or is one that all services share.

/// Codes that AWS's services share, and those of S3's own list, which its model leaves out
/// (Amazon S3 API reference, "Error responses").
const SHARED: &[&str] =
    &["AccessDeniedException", "InternalFailure", "ValidationException", "ValidationError", "InvalidAction"];

fn check(service: &str, codes: &[&str], beside_the_model: &[&str]) {
    let model = wire::models().service(service).unwrap();
    for code in codes {
        let known = model.has_error(code) || SHARED.contains(code) || beside_the_model.contains(code);
        assert!(known, "{service} answers with {code}, which its model does not have");
    }
}

#[test]
fn codes_of_iam_are_modelled() {
    check("iam", platform::iam::errors::CODES, &[]);
}

#[test]
fn codes_of_codebuild_are_modelled() {
    check("codebuild", devtools::codebuild::errors::CODES, &[]);
}

#[test]
fn codes_of_codecommit_are_modelled() {
    check("codecommit", devtools::codecommit::errors::CODES, &[]);
}

#[test]
fn codes_of_connections_are_modelled() {
    for service in ["codeconnections", "codestar-connections"] {
        check(service, devtools::codeconnections::CODES, &[]);
    }
}

#[test]
fn codes_of_notifications_are_modelled() {
    check("codestar-notifications", devtools::codestar_notifications::CODES, &[]);
}

/// Amazon S3 API reference, "Error responses" and the operations' own pages: the model has a handful of these only.
#[rustfmt::skip]
const OF_S3: &[&str] = &[
    "AccessControlListNotSupported", "AccessDenied", "BadDigest", "BadRequest", "BucketAlreadyExists",
    "BucketAlreadyOwnedByYou", "BucketNotEmpty", "EntityTooLarge", "EntityTooSmall",
    "IllegalLocationConstraintException", "IllegalVersioningConfigurationException", "IncompleteBody",
    "InternalError", "InvalidArgument", "InvalidBucketName", "InvalidDigest", "InvalidLocationConstraint",
    "InvalidPart", "InvalidPartNumber", "InvalidPartOrder", "InvalidRange", "InvalidRequest", "InvalidStorageClass",
    "InvalidTag", "KeyTooLongError", "MalformedXML", "MetadataTooLarge", "MethodNotAllowed", "NoSuchBucket",
    "NoSuchBucketPolicy", "NoSuchCORSConfiguration", "NoSuchKey", "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet", "NoSuchUpload", "NoSuchVersion",
    "NoSuchWebsiteConfiguration", "NotImplemented", "NotModified", "ObjectLockConfigurationNotFoundError",
    "PreconditionFailed", "ReplicationConfigurationNotFoundError", "ServerSideEncryptionConfigurationNotFoundError",
    "ServiceUnavailable", "SlowDown", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch",
    // Our own: AWS's disks do not fill up. 507, with the sentence that tells what to free.
    "InsufficientStorage",
];

#[test]
fn codes_of_s3_are_modelled_or_in_its_list() {
    check("s3", platform::s3::errors::CODES, OF_S3);
}

#[test]
fn codes_of_eventbridge_are_modelled() {
    check("events", platform::events::CODES, &[]);
}

#[test]
fn codes_of_logs_are_modelled() {
    check("logs", platform::logs::errors::CODES, &[]);
}

#[test]
fn codes_of_secrets_manager_are_modelled() {
    check("secretsmanager", platform::secretsmanager::CODES, &[]);
}

#[test]
fn codes_of_parameter_store_are_modelled() {
    check("ssm", platform::ssm::CODES, &[]);
}
