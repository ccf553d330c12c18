//! ListParts.

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::s3_part;

use super::bucket::{self, For};
use super::listing::max_items;
use super::shape::{ChecksumMembers, Owner, owner, quoted};
use super::upload;
use crate::Cx;

/// Members that are ignored: only uploads with customer keys need them.
pub const UNSUPPORTED: &[&str] = &["SSECustomer*"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    pub max_parts: Option<i64>,
    pub part_number_marker: Option<i64>,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub bucket: String,
    pub key: String,
    pub upload_id: String,
    pub part_number_marker: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_part_number_marker: Option<i64>,
    pub max_parts: usize,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    pub initiator: Owner,
    pub owner: Owner,
    pub storage_class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
}

/// One part.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Part {
    pub part_number: i64,
    pub last_modified: Timestamp,
    pub e_tag: String,
    pub size: i64,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
}

pub async fn list_parts(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let max = max_items("max-parts", input.max_parts)?;
    let after = input.part_number_marker.unwrap_or(0);
    let mut tx = cx.store.read().await?;
    let bucket = bucket::load(&mut tx, cx, &input.bucket, input.expected_bucket_owner.as_deref(), For::Reading).await?;
    let row = upload::load(&mut tx, &bucket, &input.key, &input.upload_id).await?;
    let limit = i64::try_from(max + 1).unwrap_or(1001);
    let mut parts = s3_part::list(&mut tx, &row.id, after, limit).await?;
    let truncated = parts.len() > max && max > 0;
    parts.truncate(max);
    let algorithm = row.checksum_algorithm.as_deref();
    Ok(Output {
        next_part_number_marker: parts.last().map(|p| p.number),
        parts: parts
            .into_iter()
            .map(|p| Part {
                part_number: p.number,
                last_modified: p.modified,
                e_tag: quoted(&p.md5),
                size: p.size,
                checksums: ChecksumMembers::of(algorithm, p.checksum.as_deref()),
            })
            .collect(),
        bucket: input.bucket,
        key: input.key,
        upload_id: input.upload_id,
        part_number_marker: after,
        max_parts: max,
        is_truncated: truncated,
        initiator: Owner { display_name: None, id: row.initiator },
        owner: owner(bucket.scope.account.as_str()),
        storage_class: row.storage_class,
        checksum_algorithm: row.checksum_algorithm,
        checksum_type: row.checksum_type,
    })
}
