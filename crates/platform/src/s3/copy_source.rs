//! The source of CopyObject and UploadPartCopy.

use base::{ApiError, Timestamp};
use serde::Deserialize;
use store::objects::{BlobId, ChecksumAlgorithm, ObjectError, Stored};
use store::tables::s3_version;

use super::bucket::{self, For};
use super::checksum::Promise;
use super::condition::{ReadConditions, Verdict};
use super::content::{self, Place, Segment};
use super::range::Span;
use super::{body, errors, lookup};
use crate::Cx;

/// How often a copy follows a source that is replaced while it is being opened.
const TRIES: u32 = 8;

/// The members that describe a source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SourceMembers {
    pub copy_source: String,
    pub copy_source_if_match: Option<String>,
    pub copy_source_if_none_match: Option<String>,
    pub copy_source_if_modified_since: Option<Timestamp>,
    pub copy_source_if_unmodified_since: Option<Timestamp>,
    pub expected_source_bucket_owner: Option<String>,
}

/// A parsed `x-amz-copy-source`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version_id: Option<String>,
}

impl Source {
    pub(super) fn parse(header: &str) -> Result<Self, ApiError> {
        let invalid = || {
            let message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
            errors::invalid_argument("x-amz-copy-source", header, message)
        };
        if header.starts_with("arn:") {
            return Err(errors::not_implemented("Copying from an access point"));
        }
        let (path, version) = match header.split_once("?versionId=") {
            Some((path, version)) => (path, Some(version.to_owned())),
            None => (header, None),
        };
        let path = percent_encoding::percent_decode_str(path).decode_utf8().map_err(|_| invalid())?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path.split_once('/').filter(|(b, k)| !b.is_empty() && !k.is_empty()).ok_or_else(invalid)?;
        Ok(Source { bucket: bucket.to_owned(), key: key.to_owned(), version_id: version.filter(|v| !v.is_empty()) })
    }
}

/// A source that has been found and whose conditions hold.
pub(super) struct Found {
    pub(super) row: s3_version::Row,
    pub(super) segments: Vec<Segment>,
    /// As the answer says it: none when the source bucket has no versions.
    pub(super) version_id: Option<String>,
}

pub(super) async fn find(cx: &Cx, source: &Source, members: &SourceMembers) -> Result<Found, ApiError> {
    let mut tx = cx.store.read().await?;
    let owner = members.expected_source_bucket_owner.as_deref();
    let bucket = bucket::load(&mut tx, cx, &source.bucket, owner, For::Reading).await?;
    let row = lookup::find(&mut tx, &bucket, &source.key, source.version_id.as_deref()).await;
    let row = row.map_err(|e| match e.code {
        "MethodNotAllowed" => errors::invalid_request(
            "The source of a copy request may not specifically refer to a delete marker by version id.",
        ),
        _ => e,
    })?;
    let conditions = ReadConditions {
        if_match: members.copy_source_if_match.as_deref(),
        if_none_match: members.copy_source_if_none_match.as_deref(),
        if_modified_since: members.copy_source_if_modified_since,
        if_unmodified_since: members.copy_source_if_unmodified_since,
    };
    match conditions.judge(&row.etag, row.modified) {
        Verdict::Go => {}
        Verdict::Failed("If-Match") => return Err(errors::precondition_failed("x-amz-copy-source-If-Match")),
        Verdict::Failed(_) => return Err(errors::precondition_failed("x-amz-copy-source-If-Unmodified-Since")),
        Verdict::NotModified("If-None-Match") => {
            return Err(errors::precondition_failed("x-amz-copy-source-If-None-Match"));
        }
        Verdict::NotModified(_) => return Err(errors::precondition_failed("x-amz-copy-source-If-Modified-Since")),
    }
    let segments = content::segments(&mut tx, &row).await?;
    Ok(Found { version_id: lookup::shown(&bucket, &row), row, segments })
}

/// Content of the copy: by a second name for the same file where nothing new has to be computed, else by reading it.
pub(super) enum Copied {
    /// The source's own content and digests.
    Same { blob: Option<BlobId>, content: Option<Vec<u8>> },
    /// Read and written again.
    Fresh(Box<Stored>),
}

impl Copied {
    pub(super) fn blobs(&self) -> Vec<BlobId> {
        match self {
            Copied::Same { blob, .. } => blob.iter().cloned().collect(),
            Copied::Fresh(stored) => stored.blob().cloned().into_iter().collect(),
        }
    }
}

/// Copies `span` of a source; `digest` is the algorithm that the copy must have a fresh checksum of.
pub(super) async fn copy(
    cx: &Cx,
    found: &Found,
    span: Span,
    digest: Option<ChecksumAlgorithm>,
) -> Result<Copied, ObjectErrorOr> {
    let whole = span == Span::whole(content::size(found.row.size));
    if let ([only], true, true, None) = (found.segments.as_slice(), whole, found.row.parts.is_none(), digest) {
        return Ok(match &only.place {
            Place::Inline(bytes) => Copied::Same { blob: None, content: Some(bytes.to_vec()) },
            Place::Blob(blob) => Copied::Same { blob: Some(cx.objects.duplicate(blob).await?), content: None },
        });
    }
    let stream = content::open(&cx.objects, &found.segments, span).await?;
    let mut promise = Promise::computing(digest);
    let stored = body::receive(&cx.objects, stream, &mut promise).await.map_err(ObjectErrorOr::Api)?;
    Ok(Copied::Fresh(Box::new(stored)))
}

/// A failure of the disk, which may be a source that went away, or any other.
pub(super) enum ObjectErrorOr {
    Object(ObjectError),
    Api(ApiError),
}

impl From<ObjectError> for ObjectErrorOr {
    fn from(e: ObjectError) -> Self {
        ObjectErrorOr::Object(e)
    }
}

impl ObjectErrorOr {
    /// Whether to look the source up again: it was replaced since.
    pub(super) fn again(&self, tries: u32) -> bool {
        matches!(self, ObjectErrorOr::Object(ObjectError::Missing { .. })) && tries < TRIES
    }
}

impl From<ObjectErrorOr> for ApiError {
    fn from(e: ObjectErrorOr) -> Self {
        match e {
            ObjectErrorOr::Object(e) => e.into(),
            ObjectErrorOr::Api(e) => e,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_bucket_a_key_and_perhaps_a_version() {
        let source = |h: &str| Source::parse(h).map_err(|e| e.code);
        let is = |bucket: &str, key: &str, version: Option<&str>| {
            Ok(Source { bucket: bucket.to_owned(), key: key.to_owned(), version_id: version.map(str::to_owned) })
        };
        assert_eq!(source("b/k"), is("b", "k", None));
        assert_eq!(source("/b/a/b%20c%2Bd+e?versionId=null"), is("b", "a/b c+d+e", Some("null")));
        assert_eq!(source("b//k"), is("b", "/k", None));
        assert_eq!(source("b%2Fk"), is("b", "k", None));
        for bad in ["", "b", "b/", "/b", "b/%ff"] {
            assert_eq!(source(bad), Err("InvalidArgument"), "{bad}");
        }
    }
}
