//! Members that many operations share, as the model names them.

use std::collections::BTreeMap;

use base::{ApiError, Tags};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::errors;

/// The `Checksum…` members of requests and answers; each holds base64.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChecksumMembers {
    #[serde(rename = "ChecksumCRC32", default, skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
    #[serde(rename = "ChecksumCRC32C", default, skip_serializing_if = "Option::is_none")]
    pub crc32c: Option<String>,
    #[serde(rename = "ChecksumCRC64NVME", default, skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
    #[serde(rename = "ChecksumSHA1", default, skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    #[serde(rename = "ChecksumSHA256", default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    #[serde(rename = "ChecksumSHA512", default, skip_serializing_if = "Option::is_none")]
    pub sha512: Option<String>,
}

/// Headers that are kept with an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectHeaders {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website_redirect_location: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_default")]
    pub metadata: BTreeMap<String, String>,
}

/// A list or map that is `null` is the same as one that is not there.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl ObjectHeaders {
    /// What is kept. `aws-chunked` describes the transfer and not the object.
    pub(super) fn cleaned(mut self) -> Result<Self, ApiError> {
        if let Some(encoding) = self.content_encoding.take() {
            let rest: Vec<&str> =
                encoding.split(',').map(str::trim).filter(|e| !e.is_empty() && *e != "aws-chunked").collect();
            self.content_encoding = (!rest.is_empty()).then(|| rest.join(","));
        }
        let size: usize = self.metadata.iter().map(|(k, v)| k.len() + v.len()).sum();
        if size > 2048 {
            let message = "Your metadata headers exceed the maximum allowed metadata size";
            let error = errors::simple("MetadataTooLarge", 400, message);
            return Err(error.with_member("Size", size).with_member("MaxSizeAllowed", 2048));
        }
        self.metadata = self.metadata.into_iter().map(|(k, v)| (k.to_ascii_lowercase(), v)).collect();
        Ok(self)
    }

    /// What S3 calls an object of no declared type.
    pub(super) fn with_default_type(mut self) -> Self {
        self.content_type.get_or_insert_with(|| "binary/octet-stream".to_owned());
        self
    }
}

/// Members that ask for what we do not do. Each is refused by name, never silently dropped.
///
/// Deviation: `ServerSideEncryption: AES256` is accepted, since clients send it by default, but content is not
/// encrypted by us, so the answer does not claim it: there is no `x-amz-server-side-encryption` header. Requests for
/// KMS or customer keys are refused.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Refused {
    #[serde(rename = "ACL")]
    acl: Option<String>,
    #[serde(rename = "GrantFullControl")]
    grant_full_control: Option<Value>,
    #[serde(rename = "GrantRead")]
    grant_read: Option<Value>,
    #[serde(rename = "GrantReadACP")]
    grant_read_acp: Option<Value>,
    #[serde(rename = "GrantWriteACP")]
    grant_write_acp: Option<Value>,
    #[serde(rename = "ServerSideEncryption")]
    encryption: Option<String>,
    #[serde(rename = "SSECustomerAlgorithm")]
    sse_customer: Option<Value>,
    #[serde(rename = "CopySourceSSECustomerAlgorithm")]
    copy_sse_customer: Option<Value>,
    #[serde(rename = "SSEKMSKeyId")]
    kms_key: Option<Value>,
    #[serde(rename = "ObjectLockMode")]
    lock_mode: Option<Value>,
    #[serde(rename = "ObjectLockRetainUntilDate")]
    lock_until: Option<Value>,
    #[serde(rename = "ObjectLockLegalHoldStatus")]
    lock_hold: Option<Value>,
    #[serde(rename = "WriteOffsetBytes")]
    offset: Option<Value>,
    #[serde(rename = "ChecksumMD5")]
    md5: Option<Value>,
    #[serde(rename = "ChecksumXXHASH64")]
    xxhash64: Option<Value>,
    #[serde(rename = "ChecksumXXHASH3")]
    xxhash3: Option<Value>,
    #[serde(rename = "ChecksumXXHASH128")]
    xxhash128: Option<Value>,
    #[serde(rename = "MFA")]
    mfa: Option<Value>,
}

impl Refused {
    /// An error that names the first member that cannot be honoured.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        let grants = [&self.grant_full_control, &self.grant_read, &self.grant_read_acp, &self.grant_write_acp];
        let open = self.acl.as_deref().is_some_and(|a| !matches!(a, "private" | "bucket-owner-full-control"));
        if open || grants.iter().any(|g| g.is_some()) {
            return Err(errors::simple("AccessControlListNotSupported", 400, "The bucket does not allow ACLs"));
        }
        if self.encryption.as_deref().is_some_and(|e| e != "AES256") || self.kms_key.is_some() {
            return Err(errors::not_implemented("Server-side encryption with KMS keys"));
        }
        if self.sse_customer.is_some() || self.copy_sse_customer.is_some() {
            return Err(errors::not_implemented("Server-side encryption with customer-provided keys"));
        }
        if self.lock_mode.is_some() || self.lock_until.is_some() || self.lock_hold.is_some() {
            return Err(errors::invalid_request("Bucket is missing Object Lock Configuration"));
        }
        if self.offset.is_some() {
            return Err(errors::not_implemented("Appending to an object (x-amz-write-offset-bytes)"));
        }
        if self.md5.is_some() {
            return Err(errors::not_implemented("x-amz-checksum-md5"));
        }
        if self.xxhash64.is_some() || self.xxhash3.is_some() || self.xxhash128.is_some() {
            return Err(errors::not_implemented("The checksum algorithm XXHASH"));
        }
        if self.mfa.is_some() {
            return Err(errors::not_implemented("MFA delete"));
        }
        Ok(())
    }
}

/// Storage classes that a client may name. They are recorded; all content lies on the same disk.
///
/// Deviation: the archive classes are refused, since an object in them must not be readable before it is restored.
pub(super) fn storage_class(asked: Option<String>) -> Result<String, ApiError> {
    match asked.as_deref() {
        None => Ok("STANDARD".to_owned()),
        Some(
            "STANDARD" | "REDUCED_REDUNDANCY" | "STANDARD_IA" | "ONEZONE_IA" | "INTELLIGENT_TIERING" | "GLACIER_IR",
        ) => Ok(asked.unwrap_or_default()),
        Some("GLACIER" | "DEEP_ARCHIVE") => Err(errors::not_implemented("Archiving objects (GLACIER, DEEP_ARCHIVE)")),
        Some(_) => Err(errors::simple("InvalidStorageClass", 400, "The storage class you specified is not valid")),
    }
}

/// The input of operations that take a bucket alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BucketInput {
    pub bucket: String,
    pub expected_bucket_owner: Option<String>,
}

impl BucketInput {
    pub(super) fn owner(&self) -> Option<&str> {
        self.expected_bucket_owner.as_deref()
    }
}

/// An answer without members.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Empty {}

/// An owner or initiator.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Owner {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(rename = "ID")]
    pub id: String,
}

/// An account as S3 names it: 64 hexadecimal digits, always the same for the same account.
pub(super) fn owner(account: &str) -> Owner {
    let half = |n| base::derived_hex::<32>(&["s3", "canonical-user", account, n]);
    Owner { display_name: None, id: format!("{}{}", half("1"), half("2")) }
}

/// A tag as the model has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    pub key: String,
    pub value: String,
}

/// The body of Put…Tagging.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tagging {
    #[serde(default, deserialize_with = "null_is_default")]
    pub tag_set: Vec<Tag>,
}

pub(super) fn tag_set(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Checks a tag set: no more than `limit`, no key twice, lengths as documented.
pub(super) fn checked_tags(set: Vec<Tag>, limit: usize, what: &str) -> Result<Tags, ApiError> {
    if set.len() > limit {
        return Err(errors::simple("BadRequest", 400, &format!("{what} tags cannot be greater than {limit}")));
    }
    let mut tags = Tags::new();
    for Tag { key, value } in set {
        let invalid = |message: &str| errors::simple("InvalidTag", 400, message).with_member("TagKey", key.as_str());
        if key.is_empty() || key.chars().count() > 128 {
            return Err(invalid("The TagKey you have provided is invalid"));
        }
        if value.chars().count() > 256 {
            return Err(invalid("The TagValue you have provided is invalid").with_member("TagValue", value));
        }
        if key.starts_with("aws:") {
            return Err(invalid("System tags cannot be added/updated by requester"));
        }
        if tags.contains_key(&key) {
            return Err(invalid("Cannot provide multiple Tags with the same key"));
        }
        tags.insert(key, value);
    }
    Ok(tags)
}

/// The `x-amz-tagging` header: tags as a URL's query.
pub(super) fn tags_from_header(header: Option<&str>) -> Result<Tags, ApiError> {
    let mut set = Vec::new();
    for pair in header.unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let text = |t: &str| {
            let spaced = t.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8().map(|t| t.into_owned())
        };
        match (text(key), text(value)) {
            (Ok(key), Ok(value)) => set.push(Tag { key, value }),
            _ => {
                let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters \
                               without tag name duplicates.";
                return Err(errors::invalid_argument("x-amz-tagging", header.unwrap_or_default(), message));
            }
        }
    }
    checked_tags(set, 10, "Object")
}

/// `"…"`, as ETags are written.
pub(super) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tagging_header_is_a_query() {
        let tags = tags_from_header(Some("a=1&b=x%20y+z&c")).unwrap();
        let all: Vec<_> = tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(all, ["a=1", "b=x y z", "c="]);
        assert_eq!(tags_from_header(Some("a=1&a=2")).map_err(|e| e.code), Err("InvalidTag"));
        assert_eq!(tags_from_header(Some("a=%ff")).map_err(|e| e.code), Err("InvalidArgument"));
        assert!(tags_from_header(None).is_ok_and(|t| t.is_empty()));
    }

    #[test]
    fn the_transfer_encoding_of_a_chunked_upload_is_not_kept() {
        let with = |e: &str| ObjectHeaders { content_encoding: Some(e.to_owned()), ..Default::default() };
        assert_eq!(with("aws-chunked").cleaned().unwrap().content_encoding, None);
        assert_eq!(with("aws-chunked, gzip").cleaned().unwrap().content_encoding.as_deref(), Some("gzip"));
    }
}
