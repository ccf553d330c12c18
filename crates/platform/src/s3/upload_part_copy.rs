//! UploadPartCopy: a part whose content is (a range of) an existing object.

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::s3_part;

use super::checksum::{self, encode};
use super::copy_source::{self, Copied, Source, SourceMembers};
use super::range::{self, Span};
use super::shape::{ChecksumMembers, Refused, quoted};
use super::upload::{self, Target};
use super::{body, content, errors};
use crate::Cx;

/// Members that are refused by name (see `shape::Refused`).
pub const UNSUPPORTED: &[&str] = &["SSECustomer*", "CopySourceSSECustomer*"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub part_number: i64,
    pub upload_id: String,
    pub copy_source_range: Option<String>,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub source: SourceMembers,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub copy_part_result: CopyPartResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_source_version_id: Option<String>,
}

/// The answer's body.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CopyPartResult {
    pub e_tag: String,
    pub last_modified: Timestamp,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
}

pub async fn upload_part_copy(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    upload::check_number(input.part_number)?;
    input.refused.check()?;
    let source = Source::parse(&input.source.copy_source)?;
    let target =
        Target { bucket: input.bucket, key: input.key, upload_id: input.upload_id, owner: input.expected_bucket_owner };
    let row = upload::peek(cx, &target).await?;
    let algorithm = row.checksum_algorithm.as_deref().map(checksum::parse).transpose()?;
    let mut tries = 0;
    let (found, copied, span) = loop {
        let found = copy_source::find(cx, &source, &input.source).await?;
        let size = content::size(found.row.size);
        let span = match input.copy_source_range.as_deref() {
            Some(header) => range::parse_copy(header, size)?,
            None => Span::whole(size),
        };
        if span.len > body::UPLOAD_MAX_BYTES {
            let message = format!(
                "The specified copy source is larger than the maximum allowable size for a copy source: {}",
                body::UPLOAD_MAX_BYTES
            );
            return Err(errors::invalid_request(message));
        }
        match copy_source::copy(cx, &found, span, algorithm).await {
            Ok(copied) => break (found, copied, span),
            Err(e) if e.again(tries) => tries += 1,
            Err(e) => return Err(e.into()),
        }
    };
    let (md5, content, checksum) = match &copied {
        Copied::Same { content, .. } => (found.row.etag.clone(), content.clone(), None),
        Copied::Fresh(stored) => (
            stored.checksums.md5_hex(),
            super::inline(stored),
            algorithm.and_then(|a| stored.checksums.get(a)).map(encode),
        ),
    };
    let part = s3_part::Row {
        upload: target.upload_id.clone(),
        number: input.part_number,
        size: i64::try_from(span.len).unwrap_or(i64::MAX),
        md5,
        modified: super::version::whole_seconds(cx.now()),
        checksum,
        blob: copied.blobs().first().map(ToString::to_string),
        content,
    };
    let result = CopyPartResult {
        e_tag: quoted(&part.md5),
        last_modified: part.modified,
        checksums: ChecksumMembers::of(row.checksum_algorithm.as_deref(), part.checksum.as_deref()),
    };
    upload::put_part(cx, target, part).await?;
    Ok(Output { copy_part_result: result, copy_source_version_id: found.version_id })
}
