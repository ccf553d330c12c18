//! ListObjectVersions: all versions and delete markers, by key, newest first.

use base::{ApiError, Timestamp};
use serde::{Deserialize, Serialize};
use store::tables::s3_version;

use super::bucket::{self, For};
use super::listing::{CommonPrefix, Encoding, Page, Position, Walk, common_prefixes, max_items};
use super::shape::{Owner, owner, quoted};
use super::{errors, version};
use crate::Cx;

/// Members that are ignored: `OptionalObjectAttributes` asks for the restore status, which no object here has.
pub const UNSUPPORTED: &[&str] = &["OptionalObjectAttributes"];

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Input {
    pub bucket: String,
    pub prefix: Option<String>,
    pub delimiter: Option<String>,
    pub encoding_type: Option<String>,
    pub max_keys: Option<i64>,
    pub key_marker: Option<String>,
    pub version_id_marker: Option<String>,
    pub expected_bucket_owner: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub name: String,
    pub prefix: String,
    pub key_marker: String,
    pub version_id_marker: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_key_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_version_id_marker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    pub max_keys: usize,
    pub is_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Version>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub delete_markers: Vec<DeleteMarker>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common_prefixes: Vec<CommonPrefix>,
}

/// A version that has content.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Version {
    pub key: String,
    pub version_id: String,
    pub is_latest: bool,
    pub last_modified: Timestamp,
    pub e_tag: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checksum_algorithm: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum_type: Option<String>,
    pub size: i64,
    pub storage_class: String,
    pub owner: Owner,
}

/// A delete marker.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteMarker {
    pub key: String,
    pub version_id: String,
    pub is_latest: bool,
    pub last_modified: Timestamp,
    pub owner: Owner,
}

pub async fn list_object_versions(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let encoding = Encoding::new(input.encoding_type.as_deref())?;
    let walk = Walk {
        bucket: input.bucket.clone(),
        prefix: input.prefix.unwrap_or_default(),
        delimiter: input.delimiter.filter(|d| !d.is_empty()),
        max: max_items("maxKeys", input.max_keys)?,
    };
    let key_marker = input.key_marker.unwrap_or_default();
    let version_marker = input.version_id_marker.unwrap_or_default();
    if key_marker.is_empty() && !version_marker.is_empty() {
        let message = "A version-id marker cannot be specified without a key marker.";
        return Err(errors::invalid_argument("version-id-marker", version_marker, message));
    }
    let mut tx = cx.store.read().await?;
    let bucket = bucket::load(&mut tx, cx, &input.bucket, input.expected_bucket_owner.as_deref(), For::Reading).await?;
    let from = match version_marker.as_str() {
        "" => Position::after(&key_marker, &walk),
        marker => match version::age_of(marker) {
            Some(age) => Position::after_version(&key_marker, age),
            None => {
                version::check_id(marker)?;
                let null = s3_version::get(&mut tx, &bucket.name, &key_marker, marker).await?;
                Position::after_version(&key_marker, null.map_or(i64::MIN, |r| r.age))
            }
        },
    };
    let Page { items, prefixes, next } = walk.versions(&mut tx, from).await?;
    let owner = owner(bucket.scope.account.as_str());
    let (mut versions, mut delete_markers) = (Vec::new(), Vec::new());
    for row in items {
        let key = encoding.text(row.key);
        if row.marker {
            delete_markers.push(DeleteMarker {
                key,
                version_id: row.version_id,
                is_latest: row.latest,
                last_modified: row.modified,
                owner: owner.clone(),
            });
            continue;
        }
        versions.push(Version {
            key,
            version_id: row.version_id,
            is_latest: row.latest,
            last_modified: row.modified,
            e_tag: quoted(&row.etag),
            checksum_algorithm: row.checksum_algorithm.into_iter().collect(),
            checksum_type: row.checksum_type,
            size: row.size,
            storage_class: row.storage_class,
            owner: owner.clone(),
        });
    }
    Ok(Output {
        name: input.bucket,
        prefix: encoding.text(walk.prefix),
        key_marker: encoding.text(key_marker),
        version_id_marker: version_marker,
        next_key_marker: next.as_ref().map(|n| encoding.text(n.last.clone())),
        next_version_id_marker: next.as_ref().and_then(|n| n.last_version.clone()),
        delimiter: encoding.optional(walk.delimiter),
        max_keys: walk.max,
        is_truncated: next.is_some(),
        encoding_type: input.encoding_type,
        versions,
        delete_markers,
        common_prefixes: common_prefixes(prefixes, encoding),
    })
}
