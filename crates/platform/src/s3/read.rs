//! What GetObject and HeadObject have in common: everything but the body.

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::s3_version;

use super::bucket::{self, For};
use super::condition::{ReadConditions, Verdict};
use super::content::{self, Segment};
use super::range::{self, Span};
use super::shape::{ChecksumMembers, ObjectHeaders, Refused, quoted};
use super::{errors, lookup};
use crate::Cx;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub part_number: Option<i64>,
    pub range: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub if_modified_since: Option<Timestamp>,
    pub if_unmodified_since: Option<Timestamp>,
    pub response_cache_control: Option<String>,
    pub response_content_disposition: Option<String>,
    pub response_content_encoding: Option<String>,
    pub response_content_language: Option<String>,
    pub response_content_type: Option<String>,
    pub response_expires: Option<Timestamp>,
    pub checksum_mode: Option<String>,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub refused: Refused,
}

/// `ContentRange` is present exactly when the answer is partial (status 206).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub accept_ranges: &'static str,
    pub last_modified: Timestamp,
    pub content_length: u64,
    pub e_tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_range: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
    #[serde(flatten)]
    pub headers: ObjectHeaders,
}

/// What is to be sent.
pub(super) struct Prepared {
    pub(super) output: Output,
    pub(super) segments: Vec<Segment>,
    pub(super) span: Span,
}

/// Finds the object, applies conditions and range, and says what the answer is.
pub(super) async fn prepare(cx: &Cx, input: &Input) -> Result<Prepared, ApiError> {
    bucket::check_key(&input.key)?;
    input.refused.check()?;
    let mut tx = cx.store.read().await?;
    let owner = input.expected_bucket_owner.as_deref();
    let bucket = bucket::load(&mut tx, cx, &input.bucket, owner, For::Reading).await?;
    let row = lookup::find(&mut tx, &bucket, &input.key, input.version_id.as_deref()).await?;
    check_conditions(input, &row)?;
    let segments = content::segments(&mut tx, &row).await?;
    drop(tx);
    let size = content::size(row.size);
    let (span, partial) = span(input, &row, &segments)?;
    let mut headers: ObjectHeaders = serde_json::from_value(row.attributes.clone()).map_err(ApiError::internal)?;
    override_headers(&mut headers, input);
    // A checksum of the whole would be wrong beside a part of the content.
    let with_sum = input.checksum_mode.as_deref() == Some("ENABLED") && !partial;
    let checksum = row.checksum.as_deref().filter(|_| with_sum);
    let output = Output {
        accept_ranges: "bytes",
        last_modified: row.modified,
        content_length: span.len,
        e_tag: quoted(&row.etag),
        content_range: partial.then(|| span.content_range(size)),
        version_id: lookup::shown(&bucket, &row),
        storage_class: Some(row.storage_class.clone()).filter(|c| c != "STANDARD"),
        parts_count: (input.part_number.is_some() && row.parts.is_some()).then_some(segments.len()),
        tag_count: Some(row.tags.len()).filter(|n| *n > 0),
        checksum_type: checksum.and(row.checksum_type.clone()),
        checksums: ChecksumMembers::of(row.checksum_algorithm.as_deref(), checksum),
        headers,
    };
    Ok(Prepared { output, segments, span })
}

fn check_conditions(input: &Input, row: &s3_version::Row) -> Result<(), ApiError> {
    let conditions = ReadConditions {
        if_match: input.if_match.as_deref(),
        if_none_match: input.if_none_match.as_deref(),
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    match conditions.judge(&row.etag, row.modified) {
        Verdict::Go => Ok(()),
        Verdict::Failed(condition) => Err(errors::precondition_failed(condition)),
        Verdict::NotModified(_) => Err(errors::simple("NotModified", 304, "Not Modified")
            .with_member("ETag", quoted(&row.etag))
            .with_member("LastModified", row.modified.to_string())),
    }
}

/// The part of the content that is asked for, and whether the answer is a partial one.
fn span(input: &Input, row: &s3_version::Row, segments: &[Segment]) -> Result<(Span, bool), ApiError> {
    let size = content::size(row.size);
    if let Some(number) = input.part_number {
        if input.range.is_some() {
            return Err(errors::invalid_request("Cannot specify both Range header and partNumber query parameter"));
        }
        if !(1..=10_000).contains(&number) {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            return Err(errors::invalid_argument("partNumber", number.to_string(), message));
        }
        let mut offset = 0;
        for segment in segments {
            if segment.number == number {
                // An empty object has a part 1 but no byte that a range could name.
                return Ok((Span { offset, len: segment.size }, segment.size > 0));
            }
            offset += segment.size;
        }
        let message = "The requested partnumber is not satisfiable";
        return Err(errors::simple("InvalidPartNumber", 416, message)
            .with_member("PartNumberRequested", number)
            .with_member("ActualPartCount", segments.len()));
    }
    match input.range.as_deref().map(|r| range::parse(r, size)).transpose()?.flatten() {
        Some(span) => Ok((span, true)),
        None => Ok((Span::whole(size), false)),
    }
}

fn override_headers(headers: &mut ObjectHeaders, input: &Input) {
    let expires = input.response_expires.map(|t| t.format("%a, %d %b %Y %H:%M:%S GMT"));
    for (slot, value) in [
        (&mut headers.cache_control, &input.response_cache_control),
        (&mut headers.content_disposition, &input.response_content_disposition),
        (&mut headers.content_encoding, &input.response_content_encoding),
        (&mut headers.content_language, &input.response_content_language),
        (&mut headers.content_type, &input.response_content_type),
        (&mut headers.expires, &expires),
    ] {
        if value.is_some() {
            slot.clone_from(value);
        }
    }
}
