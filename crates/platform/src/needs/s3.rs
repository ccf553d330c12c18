//! S3: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>. Many of its actions are not called
//! as their operations are, and some operations need two.

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let arn = |path: &str| format!("arn:{}:s3:::{path}", call.scope.region.partition());
    let bucket = call.text("Bucket");
    let bucket_arn = || bucket.map(arn).into_iter().collect::<Vec<_>>();
    let object = |key: Option<&str>| match (bucket, key) {
        (Some(bucket), Some(key)) => vec![arn(&format!("{bucket}/{key}"))],
        (None, _) | (_, None) => Vec::new(),
    };
    let key = call.text("Key");
    let versioned = |plain: &str| match call.text("VersionId") {
        Some(_) => Need::on(format!("s3:{}", plain.replace("Object", "ObjectVersion")), object(key)),
        None => Need::on(format!("s3:{plain}"), object(key)),
    };
    let put = || {
        let tags = call.text("Tagging").map(|_| Need::on("s3:PutObjectTagging", object(key)));
        std::iter::once(Need::on("s3:PutObject", object(key))).chain(tags)
    };
    Some(match call.operation {
        "ListBuckets" => vec![Need::new("s3:ListAllMyBuckets", arn("*"))],
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => vec![Need::on("s3:ListBucket", bucket_arn())],
        "GetObject" | "HeadObject" => vec![versioned("GetObject")],
        "GetObjectAttributes" => vec![versioned("GetObject"), versioned("GetObjectAttributes")],
        "PutObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => put().collect(),
        "CopyObject" | "UploadPartCopy" => std::iter::once(copied(call, arn)).chain(put()).collect(),
        "DeleteObjects" => {
            let objects = call.input.pointer("/Delete/Objects").and_then(Value::as_array);
            let need = |o: &Value| {
                let text = |member: &str| o.get(member).and_then(Value::as_str).filter(|t| !t.is_empty());
                let action = if text("VersionId").is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
                Need::on(action, object(text("Key")))
            };
            match objects.filter(|list| !list.is_empty()) {
                Some(list) => list.iter().map(need).collect(),
                None => vec![Need::on("s3:DeleteObject", Vec::new())],
            }
        }
        "ListParts" => vec![Need::on("s3:ListMultipartUploadParts", object(key))],
        "AbortMultipartUpload" => vec![Need::on("s3:AbortMultipartUpload", object(key))],
        "DeleteObject" | "DeleteObjectTagging" | "GetObjectAcl" | "GetObjectTagging" | "PutObjectTagging" => {
            vec![versioned(call.operation)]
        }
        operation => vec![Need::on(format!("s3:{}", bucket_action(operation)?), bucket_arn())],
    })
}

/// Reading what a copy is made from.
fn copied(call: &Asked<'_>, arn: impl Fn(&str) -> String) -> Need {
    let Some(source) = call.text("CopySource") else { return Need::on("s3:GetObject", Vec::new()) };
    let (path, version) = source.split_once("?versionId=").map_or((source, false), |(path, _)| (path, true));
    let path = percent_decode_str(path).decode_utf8_lossy();
    let read = if version { "s3:GetObjectVersion" } else { "s3:GetObject" };
    Need::new(read, arn(path.trim_start_matches('/')))
}

/// The actions of the operations on buckets.
fn bucket_action(operation: &str) -> Option<&str> {
    Some(match operation {
        "DeleteBucketTagging" => "PutBucketTagging",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListObjectVersions" => "ListBucketVersions",
        "PutBucketEncryption" => "PutEncryptionConfiguration",
        "PutBucketLifecycleConfiguration" => "PutLifecycleConfiguration",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        "CreateBucket"
        | "DeleteBucket"
        | "GetBucketAcl"
        | "GetBucketCors"
        | "GetBucketLocation"
        | "GetBucketLogging"
        | "GetBucketOwnershipControls"
        | "GetBucketPolicy"
        | "GetBucketPolicyStatus"
        | "GetBucketRequestPayment"
        | "GetBucketTagging"
        | "GetBucketVersioning"
        | "GetBucketWebsite"
        | "PutBucketPolicy"
        | "PutBucketTagging"
        | "PutBucketVersioning" => operation,
        _ => return None,
    })
}
