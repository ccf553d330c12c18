//! GetObjectAttributes: those attributes alone that the request names.

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::s3_part;

use super::bucket::{self, For};
use super::listing::max_items;
use super::shape::{ChecksumMembers, null_is_default};
use super::{errors, lookup};
use crate::Cx;

/// Members that are ignored: only objects with customer keys need them.
pub const UNSUPPORTED: &[&str] = &["SSECustomer*"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub max_parts: Option<i64>,
    pub part_number_marker: Option<i64>,
    #[serde(deserialize_with = "null_is_default")]
    pub object_attributes: Vec<String>,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub last_modified: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Without quotes, unlike everywhere else; AWS has it so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_parts: Option<ObjectParts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_size: Option<i64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Checksum {
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ObjectParts {
    pub total_parts_count: usize,
    pub part_number_marker: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_part_number_marker: Option<i64>,
    pub max_parts: usize,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Part {
    pub part_number: i64,
    pub size: i64,
    #[serde(flatten)]
    pub checksums: ChecksumMembers,
}

pub async fn get_object_attributes(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let wants = |name: &str| input.object_attributes.iter().any(|a| a == name);
    let known = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
    if let Some(unknown) = input.object_attributes.iter().find(|a| !known.contains(&a.as_str())) {
        let message = "Invalid attribute name specified.";
        return Err(errors::invalid_argument("x-amz-object-attributes", unknown.as_str(), message));
    }
    let mut tx = cx.store.read().await?;
    let owner = input.expected_bucket_owner.as_deref();
    let bucket = bucket::load(&mut tx, cx, &input.bucket, owner, For::Reading).await?;
    let row = lookup::find(&mut tx, &bucket, &input.key, input.version_id.as_deref()).await?;
    let object_parts = match &row.parts {
        Some(upload) if wants("ObjectParts") => {
            let all = s3_part::all(&mut tx, upload).await?;
            Some(page(&input, &all, row.checksum_algorithm.as_deref())?)
        }
        _ => None,
    };
    let sums = ChecksumMembers::of(row.checksum_algorithm.as_deref(), row.checksum.as_deref());
    let checksum =
        row.checksum.as_ref().map(|_| Checksum { checksums: sums, checksum_type: row.checksum_type.clone() });
    Ok(Output {
        last_modified: row.modified,
        version_id: lookup::shown(&bucket, &row),
        e_tag: wants("ETag").then(|| row.etag.clone()),
        checksum: checksum.filter(|_| wants("Checksum")),
        object_parts,
        storage_class: wants("StorageClass").then(|| row.storage_class.clone()),
        object_size: wants("ObjectSize").then_some(row.size),
    })
}

/// Parts are listed only when they have checksums; else there is their number alone, as in AWS.
fn page(input: &Input, all: &[s3_part::Row], algorithm: Option<&str>) -> Result<ObjectParts, ApiError> {
    let max = max_items("max-parts", input.max_parts)?;
    let after = input.part_number_marker.unwrap_or(0);
    let rest: Vec<&s3_part::Row> = all.iter().filter(|p| p.number > after).collect();
    let shown = rest.get(..max.min(rest.len())).unwrap_or_default();
    let parts = shown.iter().filter(|p| p.checksum.is_some()).map(|p| Part {
        part_number: p.number,
        size: p.size,
        checksums: ChecksumMembers::of(algorithm, p.checksum.as_deref()),
    });
    Ok(ObjectParts {
        total_parts_count: all.len(),
        part_number_marker: after,
        next_part_number_marker: shown.last().map(|p| p.number),
        max_parts: max,
        is_truncated: rest.len() > max,
        parts: parts.collect(),
    })
}
