//! CompleteMultipartUpload: the parts become the object as they lie, nothing is copied. Asking again after a lost
//! answer gives the same answer while the object is still the current one.

use base::ApiError;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::objects::BlobId;
use store::tables::{s3_bucket, s3_part, s3_upload, s3_version};

use super::bucket::{self, For};
use super::condition::WriteConditions;
use super::shape::{ChecksumMembers, Refused, null_is_default, quoted};
use super::version::{self, Minted, NewVersion};
use super::{body, checksum, content, errors, upload};
use crate::Cx;

/// Members that are refused by name (see `shape::Refused`).
pub const UNSUPPORTED: &[&str] = &["SSECustomer*", "ChecksumXXHASH*"];

/// All parts but the last have at least this size.
const PART_MIN_BYTES: i64 = 5 * 1024 * 1024;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    pub multipart_upload: Option<MultipartUpload>,
    pub mpu_object_size: Option<i64>,
    pub checksum_type: Option<String>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub expected_bucket_owner: Option<String>,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
    #[serde(flatten)]
    pub refused: Refused,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MultipartUpload {
    #[serde(deserialize_with = "null_is_default")]
    pub parts: Vec<CompletedPart>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CompletedPart {
    pub e_tag: Option<String>,
    pub part_number: Option<i64>,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub location: String,
    pub bucket: String,
    pub key: String,
    pub e_tag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
}

pub async fn complete_multipart_upload(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    input.refused.check()?;
    let asked = input.multipart_upload.as_ref().map(|m| m.parts.as_slice()).unwrap_or_default();
    if asked.is_empty() || asked.iter().any(|p| p.part_number.is_none() || p.e_tag.is_none()) {
        return Err(errors::malformed_xml());
    }
    if !asked.is_sorted_by(|a, b| a.part_number < b.part_number) {
        let message =
            "The list of parts was not in ascending order. The parts list must be specified in order by part number.";
        return Err(errors::simple("InvalidPartOrder", 400, message).with_member("UploadId", input.upload_id));
    }
    let conditions = WriteConditions::new(input.if_match.clone(), input.if_none_match.clone())?;
    let (inner, minted) = (cx.clone(), Minted::new(cx));
    let (output, garbage) = cx
        .store
        .write(move |tx| {
            let (cx, input) = (inner.clone(), input.clone());
            let (conditions, minted) = (conditions.clone(), minted.clone());
            Box::pin(async move { complete(tx, &cx, &input, &conditions, &minted).await })
        })
        .await?;
    body::discard(&cx.objects, garbage);
    Ok(output)
}

async fn complete(
    tx: &mut Tx,
    cx: &Cx,
    input: &Input,
    conditions: &WriteConditions,
    minted: &Minted,
) -> Result<(Output, Vec<BlobId>), ApiError> {
    let owner = input.expected_bucket_owner.as_deref();
    let bucket = bucket::load(tx, cx, &input.bucket, owner, For::Writing).await?;
    s3_upload::lock(tx, &input.upload_id).await?;
    let row = match upload::load(tx, &bucket, &input.key, &input.upload_id).await {
        Ok(row) => row,
        Err(e) => return done_before(tx, cx, input, &bucket).await?.ok_or(e),
    };
    let stored = s3_part::all(tx, &row.id).await?;
    let parts = chosen(input, &row, &stored)?;
    let new = assembled(input, row, &parts)?;
    let mut garbage = Vec::new();
    for unused in stored.iter().filter(|s| parts.iter().all(|p| p.number != s.number)) {
        garbage.extend(content::blobs_of_parts(std::slice::from_ref(unused)));
        s3_part::delete(tx, &unused.upload, unused.number).await?;
    }
    s3_upload::delete(tx, &input.upload_id).await?;
    let (etag, kind) = (new.etag.clone(), new.checksum_type.clone());
    let checksums = ChecksumMembers::of(new.checksum_algorithm.as_deref(), new.checksum.as_deref());
    let placed = version::place(tx, cx, &bucket, new, conditions, minted, "CompleteMultipartUpload").await?;
    garbage.extend(placed.garbage);
    let output = Output {
        location: location(cx, input),
        bucket: input.bucket.clone(),
        key: input.key.clone(),
        e_tag: quoted(&etag),
        checksum_type: kind,
        checksums,
        version_id: version::shown(placed.version_id),
    };
    Ok((output, garbage))
}

fn location(cx: &Cx, input: &Input) -> String {
    format!("{}/{}/{}", cx.site.endpoint, input.bucket, input.key)
}

/// The answer for an upload that was completed already, while its object is the newest version.
async fn done_before(
    tx: &mut Tx,
    cx: &Cx,
    input: &Input,
    bucket: &s3_bucket::Row,
) -> Result<Option<(Output, Vec<BlobId>)>, ApiError> {
    let newest = s3_version::newest(tx, &bucket.name, &input.key).await?;
    let Some(row) = newest.filter(|r| r.parts.as_deref() == Some(input.upload_id.as_str())) else {
        return Ok(None);
    };
    let output = Output {
        location: location(cx, input),
        bucket: input.bucket.clone(),
        key: input.key.clone(),
        e_tag: quoted(&row.etag),
        checksum_type: row.checksum_type.clone(),
        checksums: ChecksumMembers::of(row.checksum_algorithm.as_deref(), row.checksum.as_deref()),
        version_id: version::shown(Some(row.version_id)),
    };
    Ok(Some((output, Vec::new())))
}

/// The parts that the request names, each compared with what was uploaded.
fn chosen(input: &Input, row: &s3_upload::Row, stored: &[s3_part::Row]) -> Result<Vec<s3_part::Row>, ApiError> {
    let asked = input.multipart_upload.as_ref().map(|m| m.parts.as_slice()).unwrap_or_default();
    let composite = row.checksum_type.as_deref() == Some("COMPOSITE");
    let mut parts = Vec::with_capacity(asked.len());
    for (i, part) in asked.iter().enumerate() {
        let number = part.part_number.unwrap_or_default();
        let etag = part.e_tag.as_deref().unwrap_or_default().trim_matches('"');
        let found = stored.iter().find(|s| s.number == number && s.md5 == etag);
        let found = found.ok_or_else(|| invalid_part(input, number, etag))?;
        let sent = part.checksums.single()?;
        match (&sent, &row.checksum_algorithm) {
            (Some((_, sum)), Some(_)) if found.checksum.as_ref() != Some(sum) => {
                return Err(invalid_part(input, number, etag));
            }
            (None, Some(algorithm)) if composite => {
                let name = algorithm.to_ascii_lowercase();
                return Err(errors::invalid_request(format!(
                    "The upload was created using a {name} checksum. The complete request must include the checksum \
                     for each part. It was missing for part {number} in the request."
                )));
            }
            _ => {}
        }
        if found.size < PART_MIN_BYTES && i + 1 < asked.len() {
            let message = "Your proposed upload is smaller than the minimum allowed size";
            return Err(errors::simple("EntityTooSmall", 400, message)
                .with_member("PartNumber", number)
                .with_member("ProposedSize", found.size)
                .with_member("MinSizeAllowed", PART_MIN_BYTES)
                .with_member("ETag", etag));
        }
        parts.push(found.clone());
    }
    Ok(parts)
}

fn invalid_part(input: &Input, number: i64, etag: &str) -> ApiError {
    let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
                   specified entity tag may not match the part's entity tag.";
    errors::simple("InvalidPart", 400, message)
        .with_member("UploadId", input.upload_id.as_str())
        .with_member("PartNumber", number)
        .with_member("ETag", etag)
}

/// The object that the parts make.
fn assembled(input: &Input, row: s3_upload::Row, parts: &[s3_part::Row]) -> Result<NewVersion, ApiError> {
    let size: i64 = parts.iter().map(|p| p.size).sum();
    if input.mpu_object_size.is_some_and(|s| s != size) {
        let message = "The provided 'x-amz-mp-object-size' header does not match what was computed.";
        return Err(errors::invalid_request(message));
    }
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(hex::decode(&part.md5).map_err(ApiError::internal)?);
    }
    let etag = format!("{}-{}", hex::encode(md5.finalize()), parts.len());
    let algorithm = row.checksum_algorithm.as_deref().map(checksum::parse).transpose()?;
    let sums: Vec<(String, u64)> =
        parts.iter().filter_map(|p| Some((p.checksum.clone()?, content::size(p.size)))).collect();
    let computed = algorithm.and_then(|a| match row.checksum_type.as_deref() {
        Some("COMPOSITE") => checksum::composite(a, &sums),
        _ => checksum::full_object(a, &sums),
    });
    if input.checksum_type.is_some() && input.checksum_type != row.checksum_type {
        let message = "The x-amz-checksum-type of the request differs from that of the upload.";
        return Err(errors::invalid_request(message));
    }
    if let Some((sent, value)) = input.checksums.single()?
        && (Some(sent) != algorithm || computed.as_deref().map(plain) != Some(plain(&value)))
    {
        return Err(errors::bad_digest(sent.as_str()));
    }
    Ok(NewVersion {
        key: input.key.clone(),
        size: content::size(size),
        etag,
        storage_class: row.storage_class,
        checksum_algorithm: computed.as_ref().and(row.checksum_algorithm),
        checksum_type: computed.as_ref().and(row.checksum_type),
        checksum: computed,
        attributes: row.attributes,
        tags: row.tags,
        blob: None,
        parts: Some(row.id),
        content: None,
    })
}

/// Clients write composite checksums with and without the number of parts.
fn plain(checksum: &str) -> &str {
    checksum.split('-').next().unwrap_or_default()
}
