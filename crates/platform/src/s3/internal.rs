//! Objects for our own services: what a build, a pipeline or a deployment reads and writes. Same rules, same events; and a
//! service that acts as a role is held to the role's policies, as the role's own calls are.

use std::collections::BTreeMap;
use std::path::Path;

use base::{ApiError, Timestamp};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};
use store::tables::s3_version::Listed;
use tokio::io::AsyncReadExt;

use super::bucket::{self, For};
use super::listing::{Position, Walk};
use super::shape::ObjectHeaders;
use super::{get_object, head_object, put_object};
use crate::iam::authorize;
use crate::needs::{self, Asked};
use crate::{ByteStream, Cx};

/// What a writer may say about an object.
#[derive(Clone, Debug, Default)]
pub struct Describe {
    pub content_type: Option<String>,
    /// User metadata, without the `x-amz-meta-` before each name.
    pub metadata: BTreeMap<String, String>,
    pub cache_control: Option<String>,
}

/// An object that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Without quotes.
    pub etag: String,
    pub version_id: Option<String>,
}

/// An object as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// Present when the bucket has (or had) versioning.
    pub version_id: Option<String>,
    pub modified: Timestamp,
    pub content_type: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

/// Writes an object from memory.
pub async fn put_bytes(
    cx: &Cx,
    bucket: &str,
    key: &str,
    content: Bytes,
    describe: Describe,
) -> Result<Written, ApiError> {
    put_stream(cx, bucket, key, ByteStream::from(content), describe).await
}

/// Writes an object from a file.
pub async fn put_file(cx: &Cx, bucket: &str, key: &str, file: &Path, describe: Describe) -> Result<Written, ApiError> {
    let open = async {
        let file = tokio::fs::File::open(file).await?;
        let size = file.metadata().await?.len();
        Ok::<_, std::io::Error>((file, size))
    };
    let (file, size) = open.await.map_err(ApiError::internal)?;
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = Vec::with_capacity(256 * 1024);
        let read = (&mut file).take(256 * 1024).read_to_end(&mut piece).await?;
        Ok((read > 0).then_some((Bytes::from(piece), file)))
    });
    put_stream(cx, bucket, key, ByteStream::new(pieces, Some(size)), describe).await
}

/// Writes an object from a stream.
pub async fn put_stream(
    cx: &Cx,
    bucket: &str,
    key: &str,
    content: ByteStream,
    describe: Describe,
) -> Result<Written, ApiError> {
    allowed(cx, "PutObject", json!({ "Bucket": bucket, "Key": key })).await?;
    let input = put_object::Input {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        headers: ObjectHeaders {
            content_type: describe.content_type,
            cache_control: describe.cache_control,
            metadata: describe.metadata,
            ..ObjectHeaders::default()
        },
        ..put_object::Input::default()
    };
    let output = put_object::put_object(cx, input, content).await?;
    Ok(Written { etag: output.e_tag.trim_matches('"').to_owned(), version_id: output.version_id })
}

/// Opens an object (its current version unless one is named) for reading.
pub async fn open(cx: &Cx, bucket: &str, key: &str, version_id: Option<&str>) -> Result<(Found, ByteStream), ApiError> {
    may_read(cx, bucket, key, version_id).await?;
    let (output, body) = get_object::get_object(cx, read_input(bucket, key, version_id)).await?;
    Ok((found(output), body))
}

/// What is known of an object (its current version unless one is named).
pub async fn head(cx: &Cx, bucket: &str, key: &str, version_id: Option<&str>) -> Result<Found, ApiError> {
    may_read(cx, bucket, key, version_id).await?;
    head_object::head_object(cx, read_input(bucket, key, version_id)).await.map(found)
}

/// All current objects whose keys begin with `prefix`, in key order.
pub async fn list(cx: &Cx, bucket: &str, prefix: &str) -> Result<Vec<Listed>, ApiError> {
    allowed(cx, "ListObjectsV2", json!({ "Bucket": bucket })).await?;
    let walk = Walk { bucket: bucket.to_owned(), prefix: prefix.to_owned(), delimiter: None, max: 1000 };
    let mut tx = cx.store.read().await?;
    bucket::load(&mut tx, cx, bucket, None, For::Reading).await?;
    let (mut all, mut from) = (Vec::new(), Some(Position::start()));
    while let Some(position) = from.take() {
        let page = walk.current(&mut tx, position).await?;
        all.extend(page.items);
        from = page.next;
    }
    Ok(all)
}

/// Whether the bucket keeps versions now. An error when it does not exist or is not the caller's.
pub async fn keeps_versions(cx: &Cx, bucket: &str) -> Result<bool, ApiError> {
    let mut tx = cx.store.read().await?;
    let row = bucket::load(&mut tx, cx, bucket, None, For::Reading).await?;
    Ok(bucket::versioning(&row) == bucket::Versioning::Enabled)
}

async fn may_read(cx: &Cx, bucket: &str, key: &str, version_id: Option<&str>) -> Result<(), ApiError> {
    allowed(cx, "GetObject", json!({ "Bucket": bucket, "Key": key, "VersionId": version_id })).await
}

/// The decision that a call of the operation would meet.
async fn allowed(cx: &Cx, operation: &str, input: Value) -> Result<(), ApiError> {
    let asked = Asked { scope: cx.scope(), service: "s3", operation, input: &input };
    authorize(cx, &needs::s3::needs(&asked).unwrap_or_default()).await
}

fn read_input(bucket: &str, key: &str, version_id: Option<&str>) -> get_object::Input {
    get_object::Input {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
        version_id: version_id.map(str::to_owned),
        ..get_object::Input::default()
    }
}

fn found(output: get_object::Output) -> Found {
    Found {
        size: output.content_length,
        etag: output.e_tag.trim_matches('"').to_owned(),
        version_id: output.version_id,
        modified: output.last_modified,
        content_type: output.headers.content_type,
        metadata: output.headers.metadata,
    }
}
