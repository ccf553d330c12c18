//! CopyObject: within an installation a copy of a plain upload is a second name for the same file.

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};

use super::bucket;
use super::checksum::{self, encode};
use super::condition::WriteConditions;
use super::copy_source::{self, Copied, Found, Source, SourceMembers};
use super::range::Span;
use super::shape::{ChecksumMembers, ObjectHeaders, Refused, quoted, storage_class, tags_from_header};
use super::version::{self, Minted, NewVersion};
use super::{body, content, errors, place_new};
use crate::Cx;

/// Members that are refused by name (see `shape::Refused`).
pub const UNSUPPORTED: &[&str] =
    &["ACL", "Grant*", "SSECustomer*", "SSEKMSKeyId", "ObjectLock*", "AnnotationDirective"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub metadata_directive: Option<String>,
    pub tagging_directive: Option<String>,
    pub annotation_directive: Option<String>,
    pub checksum_algorithm: Option<String>,
    pub storage_class: Option<String>,
    pub tagging: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub source: SourceMembers,
    #[serde(flatten)]
    pub headers: ObjectHeaders,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub copy_object_result: CopyObjectResult,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copy_source_version_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

/// The answer's body.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CopyObjectResult {
    pub e_tag: String,
    pub last_modified: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
}

/// The largest source of one copy; larger ones are copied in parts.
const SOURCE_MAX_BYTES: u64 = body::UPLOAD_MAX_BYTES;

pub async fn copy_object(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    bucket::check_key(&input.key)?;
    input.refused.check()?;
    if input.annotation_directive.is_some() {
        return Err(errors::not_implemented("Object annotations"));
    }
    let source = Source::parse(&input.source.copy_source)?;
    let replace_metadata = directive("x-amz-metadata-directive", input.metadata_directive.as_deref())?;
    let replace_tags = directive("x-amz-tagging-directive", input.tagging_directive.as_deref())?;
    let same = source.bucket == input.bucket && source.key == input.key && source.version_id.is_none();
    let changed =
        replace_metadata || input.storage_class.is_some() || input.headers.website_redirect_location.is_some();
    if same && !changed {
        return Err(errors::invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    let conditions = WriteConditions::new(input.if_match.clone(), input.if_none_match.clone())?;
    let class = storage_class(input.storage_class.clone())?;
    let (found, copied) = copied(cx, &source, &input).await?;
    let mut new = described(&input, &found, &copied, class)?;
    match replace_metadata {
        true => {
            let headers = input.headers.cleaned()?.with_default_type();
            new.attributes = serde_json::to_value(headers).map_err(ApiError::internal)?;
        }
        false => {
            // AWS does not take the redirect along.
            let mut headers: ObjectHeaders =
                serde_json::from_value(new.attributes.take()).map_err(ApiError::internal)?;
            headers.website_redirect_location = input.headers.website_redirect_location.clone();
            new.attributes = serde_json::to_value(headers).map_err(ApiError::internal)?;
        }
    }
    if replace_tags {
        new.tags = tags_from_header(input.tagging.as_deref())?;
    }
    let result = |modified| CopyObjectResult {
        e_tag: quoted(&new.etag),
        last_modified: modified,
        checksum_type: new.checksum_type.clone(),
        checksums: ChecksumMembers::of(new.checksum_algorithm.as_deref(), new.checksum.as_deref()),
    };
    let template = result(Timestamp::EPOCH);
    let placed =
        place_new(cx, &input.bucket, input.expected_bucket_owner, new, conditions, Minted::new(cx), "CopyObject")
            .await?;
    Ok(Output {
        copy_object_result: CopyObjectResult { last_modified: placed.modified, ..template },
        copy_source_version_id: found.version_id,
        version_id: version::shown(placed.version_id),
    })
}

async fn copied(cx: &Cx, source: &Source, input: &Input) -> Result<(Found, Copied), ApiError> {
    let asked = input.checksum_algorithm.as_deref().map(checksum::parse).transpose()?;
    let mut tries = 0;
    loop {
        let found = copy_source::find(cx, source, &input.source).await?;
        let size = content::size(found.row.size);
        if size > SOURCE_MAX_BYTES {
            let message = format!(
                "The specified copy source is larger than the maximum allowable size for a copy source: {SOURCE_MAX_BYTES}"
            );
            return Err(errors::invalid_request(message));
        }
        let known = found.row.checksum_algorithm.as_deref().map(checksum::parse).transpose()?;
        let full = found.row.checksum_type.as_deref() == Some("FULL_OBJECT");
        // A checksum of parts' checksums means nothing for an object without parts.
        let digest = match asked {
            Some(a) if known == Some(a) && full => None,
            Some(a) => Some(a),
            None if known.is_some() && !full => known,
            None => None,
        };
        // Content of parts is read again in any case, and then its checksum comes along at no cost.
        let digest = if found.row.parts.is_some() { digest.or(known) } else { digest };
        match copy_source::copy(cx, &found, Span::whole(size), digest).await {
            Ok(copied) => return Ok((found, copied)),
            Err(e) if e.again(tries) => tries += 1,
            Err(e) => return Err(e.into()),
        }
    }
}

/// The new version, with the source's headers and tags.
fn described(input: &Input, found: &Found, copied: &Copied, class: String) -> Result<NewVersion, ApiError> {
    let row = &found.row;
    let mut new = NewVersion {
        key: input.key.clone(),
        size: content::size(row.size),
        etag: row.etag.clone(),
        storage_class: class,
        checksum_algorithm: row.checksum_algorithm.clone(),
        checksum_type: row.checksum_type.clone(),
        checksum: row.checksum.clone(),
        attributes: row.attributes.clone(),
        tags: row.tags.clone(),
        blob: None,
        parts: None,
        content: None,
    };
    match copied {
        Copied::Same { blob, content } => {
            new.blob.clone_from(blob);
            new.content.clone_from(content);
        }
        Copied::Fresh(stored) => {
            new.etag = stored.checksums.md5_hex();
            new.blob = stored.blob().cloned();
            new.content = super::inline(stored);
            let wanted = input.checksum_algorithm.as_deref().or(row.checksum_algorithm.as_deref());
            let algorithm = wanted.map(checksum::parse).transpose()?;
            let sum = algorithm.and_then(|a| stored.checksums.get(a)).map(encode);
            new.checksum_algorithm = sum.as_ref().and(algorithm).map(|a| a.as_str().to_owned());
            new.checksum_type = sum.as_ref().map(|_| "FULL_OBJECT".to_owned());
            new.checksum = sum;
        }
    }
    Ok(new)
}

fn directive(name: &'static str, value: Option<&str>) -> Result<bool, ApiError> {
    match value {
        None | Some("" | "COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => {
            let message = if name == "x-amz-metadata-directive" {
                "Unknown metadata directive."
            } else {
                "Unknown tagging directive."
            };
            Err(errors::invalid_argument(name, other, message))
        }
    }
}
