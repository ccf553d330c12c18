//! PutObject: content first, row and event second, in one transaction; a reader sees the old object or the new one.

use base::ApiError;
use serde::{Deserialize, Serialize};

use super::bucket::{self, For};
use super::checksum::{Promise, encode};
use super::condition::WriteConditions;
use super::shape::{ChecksumMembers, ObjectHeaders, Refused, quoted, storage_class, tags_from_header};
use super::version::{self, Minted, NewVersion};
use super::{body, place_new};
use crate::{ByteStream, Cx};

/// Members that are refused by name (see `shape::Refused`).
pub const UNSUPPORTED: &[&str] =
    &["ACL", "Grant*", "SSECustomer*", "SSEKMSKeyId", "ObjectLock*", "WriteOffsetBytes", "ChecksumXXHASH*"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    #[serde(rename = "ContentMD5")]
    pub content_md5: Option<String>,
    pub checksum_algorithm: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub storage_class: Option<String>,
    pub tagging: Option<String>,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
    #[serde(flatten)]
    pub headers: ObjectHeaders,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub e_tag: String,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

pub async fn put_object(cx: &Cx, input: Input, body: ByteStream) -> Result<Output, ApiError> {
    bucket::check_key(&input.key)?;
    input.refused.check()?;
    let conditions = WriteConditions::new(input.if_match, input.if_none_match)?;
    let class = storage_class(input.storage_class)?;
    let tags = tags_from_header(input.tagging.as_deref())?;
    let headers = input.headers.cleaned()?.with_default_type();
    let asked = input.checksum_algorithm.as_deref();
    let mut promise = Promise::new(&input.checksums, asked, input.content_md5.as_deref())?;
    {
        // Before the body is taken in: a large upload to nowhere should fail at once.
        let mut tx = cx.store.read().await?;
        bucket::load(&mut tx, cx, &input.bucket, input.expected_bucket_owner.as_deref(), For::Reading).await?;
    }
    let stored = body::receive(&cx.objects, body, &mut promise).await?;
    let algorithm = promise.algorithm;
    let checksum = algorithm.and_then(|a| stored.checksums.get(a)).map(encode);
    let new = NewVersion {
        key: input.key,
        size: stored.size(),
        etag: stored.checksums.md5_hex(),
        storage_class: class,
        checksum_algorithm: algorithm.map(|a| a.as_str().to_owned()),
        checksum_type: algorithm.map(|_| "FULL_OBJECT".to_owned()),
        checksum,
        attributes: serde_json::to_value(headers).map_err(ApiError::internal)?,
        tags,
        blob: stored.blob().cloned(),
        parts: None,
        content: super::inline(&stored),
    };
    let (etag, algorithm, checksum) = (new.etag.clone(), new.checksum_algorithm.clone(), new.checksum.clone());
    let placed =
        place_new(cx, &input.bucket, input.expected_bucket_owner, new, conditions, Minted::new(cx), "PutObject")
            .await?;
    Ok(Output {
        e_tag: quoted(&etag),
        checksum_type: checksum.as_ref().map(|_| "FULL_OBJECT".to_owned()),
        checksums: ChecksumMembers::of(algorithm.as_deref(), checksum.as_deref()),
        version_id: version::shown(placed.version_id),
    })
}
